// SPDX-License-Identifier: MIT
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

/// Runs a grid of CUDA threads on the CPU, block after block. A block's threads are a plain loop, which knows no barriers; fibres,
/// one after another up to the next barrier, always in the same order; or real threads, so that ThreadSanitizer sees races.
namespace emulator {

struct Dim {
  unsigned x = 1, y = 1;
};

enum class Mode { loop, fibres, threads };

inline constexpr unsigned warp = 32;

/// What the threads of a block do together.
class Block {
 public:
  virtual ~Block() = default;
  virtual void run(const std::function<void(unsigned thread)>& body) = 0;
  virtual void block_barrier() = 0;
  virtual void warp_barrier() = 0;
};

/// The thread that is running.
struct Thread {
  Dim block_index, thread_index, grid, size;
  Block* block = nullptr;
  std::uint64_t* lanes = nullptr;  ///< of its warp: what they show each other
};
inline thread_local Thread* current = nullptr;

class Loop final : public Block {
 public:
  explicit Loop(unsigned size) : size_{size} {}
  void run(const std::function<void(unsigned)>& body) override {
    for (unsigned thread = 0; thread < size_; ++thread) body(thread);
  }
  void block_barrier() override { throw std::logic_error("a barrier in a kernel that runs as a plain loop"); }
  void warp_barrier() override { block_barrier(); }

 private:
  unsigned size_;
};

class Fibres final : public Block {
 public:
  explicit Fibres(unsigned size) : fibres_(size), warps_((size + warp - 1) / warp) {
    all_.size = size;
    for (unsigned w = 0; w < warps_.size(); ++w) warps_[w].size = std::min(warp, size - w * warp);
    for (auto& fibre : fibres_) fibre.stack.reset(new char[stack_size]);
  }

  void run(const std::function<void(unsigned)>& body) override {
    body_ = &body;
    unsigned finished = 0;
    for (Fibre& fibre : fibres_) prepare(fibre);
    while (finished < fibres_.size()) {
      const unsigned before = events_;
      for (running_ = 0; running_ < fibres_.size(); ++running_) {
        Fibre& fibre = fibres_[running_];
        if (fibre.finished) continue;
        current = fibre.thread;
        swapcontext(&scheduler_, &fibre.context);
        fibre.thread = current;
        if (fibre.finished) ++finished, ++events_;
      }
      if (events_ == before) throw std::logic_error("threads wait at a barrier that others never reach");
    }
  }
  void block_barrier() override { wait(all_); }
  void warp_barrier() override { wait(warps_[running_ / warp]); }

 private:
  static constexpr std::size_t stack_size = 128 * 1024;

  struct Fibre {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    Thread* thread = nullptr;
    bool finished = false;
  };
  struct Gate {
    unsigned size = 0, arrived = 0, opened = 0;
  };

  void prepare(Fibre& fibre) {
    fibre.finished = false;
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.get();
    fibre.context.uc_stack.ss_size = stack_size;
    fibre.context.uc_link = &scheduler_;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&fibre.context, reinterpret_cast<void (*)()>(&Fibres::enter), 2, static_cast<unsigned>(self),
                static_cast<unsigned>(self >> 32));
  }
  static void enter(unsigned low, unsigned high) {
    auto* const self = reinterpret_cast<Fibres*>(static_cast<std::uintptr_t>(high) << 32 | low);
    const unsigned own = self->running_;
    (*self->body_)(own);
    self->fibres_[own].finished = true;
  }
  void wait(Gate& gate) {
    const unsigned opened = gate.opened;
    if (++gate.arrived == gate.size) {
      gate.arrived = 0;
      ++gate.opened;
      ++events_;
      return;
    }
    while (gate.opened == opened) swapcontext(&fibres_[running_].context, &scheduler_);
  }

  std::vector<Fibre> fibres_;
  std::vector<Gate> warps_;
  Gate all_;
  ucontext_t scheduler_;
  const std::function<void(unsigned)>* body_ = nullptr;
  unsigned running_ = 0, events_ = 0;  // openings of gates and ends of threads: without one, nobody gets further
};

class Threads final : public Block {
 public:
  explicit Threads(unsigned size) : size_{size}, all_{size} {
    for (unsigned first = 0; first < size; first += warp)
      warps_.push_back(std::make_unique<std::barrier<>>(std::min(warp, size - first)));
  }
  void run(const std::function<void(unsigned)>& body) override {
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < size_; ++thread) threads.emplace_back([&, thread] { body(thread); });
    for (auto& thread : threads) thread.join();
  }
  void block_barrier() override { all_.arrive_and_wait(); }
  void warp_barrier() override { warps_[current->thread_index.x / warp]->arrive_and_wait(); }

 private:
  unsigned size_;
  std::barrier<> all_;
  std::vector<std::unique_ptr<std::barrier<>>> warps_;
};

/// Runs `kernel()` as each thread of the grid.
template <class Kernel>
void launch(Dim grid, unsigned size, Mode mode, Kernel kernel) {
  std::unique_ptr<Block> block;
  if (mode == Mode::loop) block = std::make_unique<Loop>(size);
  if (mode == Mode::fibres) block = std::make_unique<Fibres>(size);
  if (mode == Mode::threads) block = std::make_unique<Threads>(size);
  std::vector<std::uint64_t> lanes(size + warp);
  for (unsigned y = 0; y < grid.y; ++y)
    for (unsigned x = 0; x < grid.x; ++x)
      block->run([&](unsigned thread) {
        Thread self{{x, y}, {thread, 0}, grid, {size, 1}, block.get(), lanes.data() + thread / warp * warp};
        current = &self;
        kernel();
      });
  current = nullptr;
}

/// What `__shfl_xor_sync` does: every lane of a warp shows a value and takes that of another.
template <class T>
T shuffle_xor(T value, unsigned lane_mask) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  Thread* const self = current;
  const unsigned lane = self->thread_index.x % warp;
  std::memcpy(self->lanes + lane, &value, sizeof value);
  self->block->warp_barrier();
  std::memcpy(&value, self->lanes + (lane ^ lane_mask), sizeof value);
  self->block->warp_barrier();
  return value;
}

}  // namespace emulator
