// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/shape.hpp>
#include <tarn/cpu/instruction_set.hpp>

/// The one thread pool of the process. Work is cut into parts whose borders never depend on the number of threads, so
/// results do not either.
namespace tarn::parallel {

/// At most this many threads.
inline constexpr int max_threads = 256;
/// A sum over a batch is cut into at most this many parts, which are added in order.
inline constexpr Index max_sum_parts = 16;

namespace detail {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Reads a thread count as given in TARN_NUM_THREADS. Throws ArgumentError.
inline int parse_threads(const std::string& text) {
  int value = 0;
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) value = std::stoi(text);
  if (value < 1 || value > max_threads)
    throw ArgumentError("TARN_NUM_THREADS: '", text, "' is no thread count, expected 1 to ", max_threads);
  return value;
}

class Pool {
 public:
  using Part = void (*)(void* context, Index part);

  explicit Pool(int threads) : queues_(static_cast<std::size_t>(threads)) {
    try {
      for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { serve(worker); });
    } catch (const std::system_error& error) {
      const std::size_t started = workers_.size() + 1;
      stop();
      throw DeviceError("thread pool: ", started, " of ", threads, " threads could be started (", error.what(), ")");
    }
  }
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(queues_.size()); }

  /// Runs all parts and returns when they are done. A call that finds the pool busy runs in its own thread.
  void run(Index parts, Part part, void* context) {
    const Turn turn{busy_};
    if (!turn.mine || workers_.empty() || parts == 1) {
      for (Index i = 0; i < parts; ++i) part(context, i);
      return;
    }
    part_ = part;
    context_ = context;
    set_ = cpu::detail::in_use;
    const Index count = threads();
    for (Index i = 0; i < count; ++i) {
      auto& queue = queues_[static_cast<std::size_t>(i)];
      queue.next.store(parts * i / count, std::memory_order_relaxed);
      queue.end = parts * (i + 1) / count;
    }
    state_.fetch_add(open + static_cast<State>(parts), std::memory_order_release);
    wake();
    state_.fetch_sub(drain(0), std::memory_order_relaxed);
    const auto yield = [] { std::this_thread::yield(); };
    await([this] { return (state_.load(std::memory_order_acquire) & unfinished) == 0; }, yield);
    // A worker that comes when the round is closed, on a machine with other work to do, finds nothing to do.
    if (state_.fetch_sub(open, std::memory_order_acq_rel) != open)
      await([this] { return state_.load(std::memory_order_acquire) == 0; }, yield);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  static constexpr std::size_t line = 64;  // bytes of a cache line

  /// A round in one number: the parts not yet reported as done (bits 0 to 47), workers that may touch it (48 to 62), and whether
  /// more may begin to (63).
  using State = std::uint64_t;
  static constexpr State inside = State{1} << 48, unfinished = inside - 1, open = State{1} << 63;

  /// The parts that a thread begins with; others take from it when their own are done.
  struct alignas(line) Queue {
    std::atomic<Index> next{0};
    Index end = 0;
  };

  /// The right to hand out work, until the end of its scope; a call from within a part does not get it.
  struct Turn {
    std::atomic<bool>& busy;
    const bool mine;
    explicit Turn(std::atomic<bool>& taken) : busy{taken}, mine{!taken.exchange(true, std::memory_order_acquire)} {}
    ~Turn() {
      if (mine) busy.store(false, std::memory_order_release);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
  };

  void stop() {
    stopping_.store(true, std::memory_order_relaxed);
    wake();
    for (auto& worker : workers_) worker.join();
  }

  void wake() {
    round_.fetch_add(1);
    if (sleeping_.load() == 0) return;  // who counts itself as sleeping after this sees the new round
    { std::lock_guard lock{mutex_}; }   // who did so before is waiting now
    awake_.notify_all();
  }

  void serve(int worker) {
    for (unsigned seen = 0;;) {
      await([&] { return round_.load(std::memory_order_acquire) != seen; }, [&] { sleep_or_yield(seen); });
      seen = round_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_relaxed)) return;
      const bool is_open = state_.fetch_add(inside, std::memory_order_acq_rel) & open;
      if (is_open) cpu::detail::in_use = set_;
      state_.fetch_sub(inside + (is_open ? drain(worker) : 0), std::memory_order_release);
    }
  }

  /// Works until no part is left; returns how many it has done.
  State drain(int worker) {
    State done = 0;
    const int count = threads();
    for (int k = 0; k < count; ++k) {
      auto& queue = queues_[static_cast<std::size_t>((worker + k) % count)];
      if (queue.next.load(std::memory_order_relaxed) >= queue.end) continue;
      for (Index i; (i = queue.next.fetch_add(1, std::memory_order_relaxed)) < queue.end; ++done) {
        try {
          part_(context_, i);
        } catch (...) {
          std::lock_guard lock{mutex_};
          if (!failure_) failure_ = std::current_exception();
        }
      }
    }
    return done;
  }

  /// Spins for some ten microseconds, far cheaper than a sleep between the operations of a step; then `idle` again and again.
  template <class Done, class Idle>
  static void await(Done done, Idle idle) {
    for (int spin = 0; spin < 1000; ++spin) {
      if (done()) return;
      pause();
    }
    while (!done()) idle();
  }

  /// Yields for a millisecond after the last work, then sleeps, so that an idle pool costs nothing.
  void sleep_or_yield(unsigned seen) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds{1}) {
      if (round_.load(std::memory_order_acquire) != seen) return;
      std::this_thread::yield();
    }
    std::unique_lock lock{mutex_};
    sleeping_.fetch_add(1);
    awake_.wait(lock, [&] { return round_.load() != seen; });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
  }

  std::vector<Queue> queues_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable awake_;
  std::atomic<int> sleeping_{0};  // workers that wait for `awake_`
  std::atomic<bool> busy_{false}, stopping_{false};
  std::exception_ptr failure_;
  Part part_ = nullptr;
  void* context_ = nullptr;
  std::optional<cpu::InstructionSet> set_;  // that the caller uses
  // Each in a cache line of its own: who waits for the one does not slow down those who change the other.
  alignas(line) std::atomic<unsigned> round_{0};
  alignas(line) std::atomic<State> state_{0};
};

/// The pool and the means to replace it.
struct Holder {
  std::mutex mutex;
  std::unique_ptr<Pool> pool;
  std::atomic<Pool*> current{nullptr};
};
inline Holder& holder() {
  static Holder instance;
  return instance;
}

inline Pool& pool() {
  Holder& h = holder();
  if (Pool* current = h.current.load(std::memory_order_acquire)) return *current;
  std::lock_guard lock{h.mutex};
  if (!h.pool) {
    const char* forced = std::getenv("TARN_NUM_THREADS");
    const unsigned cores = std::thread::hardware_concurrency();
    h.pool = std::make_unique<Pool>(
        forced && *forced ? parse_threads(forced) : static_cast<int>(cores == 0 ? 1 : std::min(cores, unsigned{max_threads})));
    h.current.store(h.pool.get(), std::memory_order_release);
  }
  return *h.pool;
}

}  // namespace detail

/// Threads that work on one call, the caller's own included. The default is the machine's cores, or TARN_NUM_THREADS.
inline int threads() { return detail::pool().threads(); }

/// Sets the number of threads, 1 to 256. Throws ArgumentError, and DeviceError
/// where the system refuses a thread. Not to be called while another thread is computing.
inline void set_threads(int count) {
  if (count < 1 || count > max_threads) throw ArgumentError("set_threads: ", count, " threads, expected 1 to ", max_threads);
  auto& h = detail::holder();
  std::lock_guard lock{h.mutex};
  auto pool = std::make_unique<detail::Pool>(count);
  h.current.store(pool.get(), std::memory_order_release);
  h.pool = std::move(pool);
}

/// Calls `part(i)` for i in [0, parts), in any order and from several threads; returns when all are done. A call from within
/// one of several parts runs in its thread.
/// Rethrows one of the exceptions that parts throw. Allocates nothing.
template <class Part>
void run(Index parts, Part&& part) {
  if (parts <= 0) return;
  if (parts == 1) {
    part(Index{0});
    return;
  }
  using Function = std::remove_reference_t<Part>;
  detail::pool().run(
      parts, [](void* context, Index i) { (*static_cast<Function*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(&part)));
}

/// Part `index` of `parts` even pieces of [0, size), as [first, second).
inline std::pair<Index, Index> piece(Index size, Index parts, Index index) {
  return {size * index / parts, size * (index + 1) / parts};
}

/// Parts into which a sum over this many groups of samples is cut: depends on the batch alone.
inline Index sum_parts(Index groups) { return groups < max_sum_parts ? groups : max_sum_parts; }

}  // namespace tarn::parallel
