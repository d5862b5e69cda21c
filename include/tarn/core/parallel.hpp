// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/shape.hpp>

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
    const Index count = threads();
    for (Index i = 0; i < count; ++i) {
      auto& queue = queues_[static_cast<std::size_t>(i)];
      queue.next.store(parts * i / count, std::memory_order_relaxed);
      queue.end = parts * (i + 1) / count;
    }
    unfinished_.store(parts, std::memory_order_relaxed);
    open_.store(true);
    wake();
    drain(0);
    const auto yield = [] { std::this_thread::yield(); };
    await([this] { return unfinished_.load(std::memory_order_acquire) == 0; }, yield);
    open_.store(false);  // a worker that comes this late, on a machine with other work to do, is not waited for
    await([this] { return inside_.load() == 0; }, yield);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  /// The parts that a thread begins with; others take from it when their own are done.
  struct alignas(alignof(std::max_align_t) * 4) Queue {
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
    {
      std::lock_guard lock{mutex_};
      round_.fetch_add(1, std::memory_order_release);
    }
    if (sleeping_.load(std::memory_order_relaxed) > 0) awake_.notify_all();
  }

  void serve(int worker) {
    for (unsigned seen = 0;;) {
      await([&] { return round_.load(std::memory_order_acquire) != seen; }, [&] { sleep_or_yield(seen); });
      seen = round_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_relaxed)) return;
      inside_.fetch_add(1);  // before looking: the caller closes, then waits for those inside
      if (open_.load()) drain(worker);
      inside_.fetch_sub(1);
    }
  }

  void drain(int worker) {
    const int count = threads();
    for (int k = 0; k < count; ++k) {
      auto& queue = queues_[static_cast<std::size_t>((worker + k) % count)];
      for (Index i; (i = queue.next.fetch_add(1, std::memory_order_relaxed)) < queue.end;) {
        try {
          part_(context_, i);
        } catch (...) {
          std::lock_guard lock{mutex_};
          if (!failure_) failure_ = std::current_exception();
        }
        unfinished_.fetch_sub(1, std::memory_order_acq_rel);
      }
    }
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
    sleeping_.fetch_add(1, std::memory_order_relaxed);
    awake_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != seen; });
    sleeping_.fetch_sub(1, std::memory_order_relaxed);
  }

  std::vector<Queue> queues_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable awake_;
  std::atomic<unsigned> round_{0};
  std::atomic<Index> unfinished_{0};          // parts of this round
  std::atomic<int> inside_{0}, sleeping_{0};  // workers that may touch a round, that wait for one
  std::atomic<bool> busy_{false}, open_{false}, stopping_{false};
  std::exception_ptr failure_;
  Part part_ = nullptr;
  void* context_ = nullptr;
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

/// Calls `part(i)` for i in [0, parts), in any order and from several threads; returns when all are done.
/// Rethrows one of the exceptions that parts throw. Allocates nothing.
template <class Part>
void run(Index parts, Part&& part) {
  if (parts <= 0) return;
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
