// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/gpu/context.hpp>
#include <tarn/layers/profile.hpp>

namespace tarn {

#if TARN_GPU_HEADERS

namespace gpu {
inline namespace with_toolkit {

/// Tells when the stream of a context has come past each mark. A pass in which kernels were loaded or plans were made does not count:
/// the GPU waited for that.
class EventClock final : public PassClock {
 public:
  explicit EventClock(Context& context) : context_{context}, driver_{functions<DriverFunctions>()} {}
  ~EventClock() override {
    for (CUevent event : events_) driver_.cuEventDestroy.raw(event);
  }
  EventClock(const EventClock&) = delete;
  EventClock& operator=(const EventClock&) = delete;

  void start() override {
    marks_ = 0;
    preparations_ = context_.preparations();
    mark();
  }
  void mark() override {
    if (marks_ == events_.size()) {
      events_.reserve(marks_ + 1);
      CUevent event = nullptr;
      driver_.cuEventCreate(&event, CU_EVENT_DEFAULT);
      events_.push_back(event);
    }
    driver_.cuEventRecord(events_[marks_++], context_.stream());
  }
  std::vector<double> stop() override {
    driver_.cuEventSynchronize(events_[marks_ - 1]);
    std::vector<double> seconds;
    if (context_.preparations() != preparations_) return seconds;
    for (std::size_t i = 1; i < marks_; ++i) {
      float milliseconds = 0;
      driver_.cuEventElapsedTime(&milliseconds, events_[i - 1], events_[i]);
      seconds.push_back(1e-3 * static_cast<double>(milliseconds));
    }
    return seconds;
  }

 private:
  Context& context_;
  const DriverFunctions& driver_;
  std::vector<CUevent> events_;  // as many as a pass has ever had marks
  std::size_t marks_ = 0;
  Index preparations_ = 0;
};

}  // namespace with_toolkit
}  // namespace gpu

inline PassClock* pass_clock(Gpu) { return &gpu::Context::current().part<gpu::EventClock>(); }

#else

inline PassClock* pass_clock(Gpu) { return nullptr; }

#endif

}  // namespace tarn
