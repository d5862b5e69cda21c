// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/error.hpp>

namespace tarn {

/// Tells how long the parts of a pass take on a device whose work goes on behind the processor's back.
class PassClock {
 public:
  virtual ~PassClock() = default;
  virtual void start() = 0;                ///< a pass begins
  virtual void mark() = 0;                 ///< one of its parts ends
  virtual std::vector<double> stop() = 0;  ///< waits for all of it: seconds of each part; empty for a pass that is not to count
};
/// The CPU has none: what it was told to do is done.
template <OnCpu D>
PassClock* pass_clock(D) {
  return nullptr;
}

/// Where the time of training steps and predictions goes: a row for each layer, and for what is done beside the layers.
///
///     Profile profile;
///     Trainer trainer{model, loss, SGD{}, {.profile = &profile}};
///     trainer.fit(data, {.epochs = 1});
///     std::cout << profile.table(peak_gflops());
///
/// The clock is read where one row's work ends and the next one's begins, so that the rows add up to the whole. On the GPU events tell
/// the time, steps are not graphs, and passes that compile kernels or plan convolutions do not count. What neighbouring
/// layers spare each other is booked in the row of the layer that does it; `Row::sharing` says what that is.
/// Several trainings and predictions, one after the other, may go into one profile if their models have the same layers.
class Profile {
 public:
  /// What all passes of one kind were in one row.
  struct Work {
    Index passes = 0;
    double seconds = 0;
    double flops = 0;  ///< as `Layer::flops` counts them
    double bytes = 0;  ///< of the tensors that were read or written, each once a pass

    Work& operator+=(const Work& other) {
      passes += other.passes, seconds += other.seconds, flops += other.flops, bytes += other.bytes;
      return *this;
    }
  };
  struct Sharing {
    bool with_below = false;            ///< it works as one with the layer below, in whose row all of it is booked
    bool derivative = false;            ///< its dx comes multiplied by the derivative of the activation below, which is then done
    bool takes_sums = false;            ///< two sums come from the layer above in place of dy
    bool no_dx = false;                 ///< nobody needs its dx, or two sums of it are enough
    bool inference_with_below = false;  ///< as `with_below`, in the last pass of inference
  };
  struct Row {
    std::string name, type;             ///< "conv2d_1", "Conv2D"; gather, loss, optimizer and rest have no type
    Shape output;                       ///< of one sample
    std::string below;                  ///< the layer that its input comes from
    Work forward, backward, inference;  ///< in training, what has no way back is `forward`
    Sharing sharing;                    ///< in the last training step, if it says nothing else
  };
  struct Total {
    Index passes = 0, samples = 0;
    double seconds = 0;
  };

  /// In the order of a step: gather, the layers, loss, optimizer, rest (checks, metrics, copies). Empty before the first pass.
  const std::vector<Row>& rows() const { return rows_; }
  /// Throws ArgumentError that lists the names there are.
  [[gnu::cold]] const Row& row(const std::string& name) const {
    std::string known;
    for (const Row& row : rows_) {
      if (row.name == name) return row;
      known += (known.empty() ? "" : ", ") + row.name;
    }
    throw ArgumentError("Profile: no row '", name, "', there are: ", known.empty() ? "none before the first pass" : known);
  }
  bool on_gpu() const { return on_gpu_; }           ///< the last pass
  Total training() const { return total(true); }    ///< of steps
  Total inference() const { return total(false); }  ///< of passes in `predict` and `evaluate`
  void reset() { *this = {}; }

  /// What there is of both, as tables: means of a step, with the share of the peak if that is given. MB by ms are GB/s.
  [[gnu::cold]] std::string table(double peak_gflops = 0) const;

  enum class Part { forward, backward, inference };
  enum class Other { gather, loss, optimizer, rest };

  /// A training step or a pass of inference begins, on a device with that clock. Throws ArgumentError where the layers are not those
  /// of before.
  template <class Layers>
  void begin(const std::shared_ptr<const Layers>& layers, Index samples, bool training, PassClock* clock = nullptr) {
    if (layers != layers_) attach(layers);
    on_gpu_ = clock != nullptr;
    pass_ = {clock, samples, training, {}};
    if (clock) return clock->start();
    count_pass();
    last_ = Clock::now();
  }
  /// What was done since `begin` or the last booking was this; a layer is given by its place in the model.
  Sharing& book(Index layer, Part part, double flops, double bytes) {
    if (pass_.clock) {
      pass_.clock->mark();
      pass_.booked.push_back({layer, part, {1, 0, flops, bytes}});
    } else {
      const auto now = Clock::now();
      work(layer, part) += {1, std::chrono::duration<double>(now - last_).count(), flops, bytes};
      last_ = now;
    }
    return sharing(layer);
  }
  /// All of a pass is booked.
  void end() {
    if (!pass_.clock) return;
    const std::vector<double> seconds = std::exchange(pass_.clock, nullptr)->stop();
    if (seconds.empty()) return;
    count_pass();
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      Booked& booked = pass_.booked[i];
      booked.work.seconds = seconds[i];
      work(booked.layer, booked.part) += booked.work;
    }
  }
  void book(Other other, bool training, double bytes) {
    const Index behind = static_cast<Index>(rows_.size()) - 5 + static_cast<Index>(other);
    book(other == Other::gather ? -1 : behind, training ? Part::forward : Part::inference, 0, bytes);
  }
  Sharing& sharing(Index layer) { return rows_[static_cast<std::size_t>(layer) + 1].sharing; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Count {
    Index passes = 0, samples = 0;
  };
  struct Booked {
    Index layer;
    Part part;
    Work work;  // its seconds are not known before the end
  };
  struct Pass {
    PassClock* clock = nullptr;
    Index samples = 0;
    bool training = false;
    std::vector<Booked> booked;  // where there is a clock
  };

  Work& work(Index layer, Part part) {
    Row& row = rows_[static_cast<std::size_t>(layer) + 1];
    return part == Part::forward ? row.forward : part == Part::backward ? row.backward : row.inference;
  }
  void count_pass() {
    Count& count = pass_.training ? training_ : inference_;
    ++count.passes;
    count.samples += pass_.samples;
  }

  template <class Layers>
  [[gnu::cold]] void attach(const std::shared_ptr<const Layers>& layers) {
    std::vector<Row> rows;
    const auto add = [&](const std::string& name, const std::string& type, const Shape& output, const std::string& below) {
      rows.push_back({name, type, output, below, {}, {}, {}, {}});
    };
    add("gather", "", {}, "");
    for (const auto& placed : *layers) {
      const Index from = placed.inputs[0];
      add(placed.name, placed.type, placed.output, from < 0 ? "input" : (*layers)[static_cast<std::size_t>(from)].name);
    }
    for (const char* name : {"loss", "optimizer", "rest"}) add(name, "", {}, "");
    if (rows_.empty()) rows_ = rows;
    const char* remedy = "; give each its own profile, or reset it";
    if (rows.size() != rows_.size())
      throw ArgumentError("Profile: a model of ", rows.size() - 4, " layers after one of ", rows_.size() - 4, remedy);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].name != rows_[i].name || rows[i].type != rows_[i].type || rows[i].output != rows_[i].output)
        throw ArgumentError("Profile: a model whose layer ", i - 1, " is ", rows[i].name, " ", rows[i].output.to_string(),
                            " after one where it is ", rows_[i].name, " ", rows_[i].output.to_string(), remedy);
    layers_ = layers;
  }

  Total total(bool training) const {
    const Count& count = training ? training_ : inference_;
    Total result{count.passes, count.samples, 0};
    for (const Row& row : rows_) result.seconds += training ? row.forward.seconds + row.backward.seconds : row.inference.seconds;
    return result;
  }

  std::vector<Row> rows_;
  Count training_, inference_;
  std::shared_ptr<const void> layers_;  // of the last model
  Clock::time_point last_;
  Pass pass_;
  bool on_gpu_ = false;
};

namespace detail {

/// One of a profile's tables.
class ProfileTable {
 public:
  ProfileTable(const Profile& profile, bool training, double peak_gflops)
      : training_{training}, peak_{peak_gflops}, all_{training ? profile.training() : profile.inference()} {
    for (const Profile::Row& row : profile.rows()) names_ = std::max(names_, row.name.size() + 1);
  }

  [[gnu::cold]] std::string text(const std::vector<Profile::Row>& rows) {
    const double passes = static_cast<double>(all_.passes);
    small_ = all_.seconds < 1e-3 * passes;
    out_ = (training_ ? "Training: " : "Inference: ") + std::to_string(all_.passes) + (training_ ? " steps" : " passes");
    number(" of %.4g samples, ", static_cast<double>(all_.samples) / passes);
    number("%.4g", scaled(all_.seconds));
    out_ += small_ ? " us each" : " ms each";
    if (peak_ > 0) number("; the peak is %.0f GFLOP/s", peak_);
    out_ += '\n';
    titles();
    Profile::Work forward, backward, whole;
    for (const Profile::Row& row : rows) {
      const Profile::Work first = training_ ? row.forward : row.inference, second = training_ ? row.backward : Profile::Work{};
      const bool with_below = training_ ? row.sharing.with_below : row.sharing.inference_with_below;
      if (first.passes + second.passes == 0 && !with_below) continue;
      left(row.name, names_);
      if (first.passes + second.passes == 0) {
        left("", training_ ? 87 : 48);
      } else {
        Profile::Work sum = first;
        const bool has_ways = !training_ || !row.type.empty();
        line(has_ways ? first : Profile::Work{}, second, sum += second);
      }
      if (with_below) out_ += "  in " + row.below;
      if (training_) notes(row.sharing, row.below);
      out_ += '\n';
      if (!training_ || !row.type.empty()) forward += first, backward += second;
      whole += first, whole += second;
    }
    left("whole", names_);
    line(forward, backward, whole);
    return out_ + '\n';
  }

 private:
  void left(const std::string& field, std::size_t columns) {
    out_ += field + std::string(field.size() < columns ? columns - field.size() : 0, ' ');
  }
  void number(const char* format, double value) {
    char field[40];
    std::snprintf(field, sizeof field, format, value);
    out_ += field;
  }
  /// Of one step, in microseconds or milliseconds.
  double scaled(double seconds) const { return (small_ ? 1e6 : 1e3) * seconds / static_cast<double>(all_.passes); }
  void time(double seconds) { number(small_ ? "%10.1f" : "%10.3f", scaled(seconds)); }

  void titles() {
    const std::string unit = small_ ? "us" : "ms", columns = "        " + unit + "   GFLOP/s  of peak";
    if (training_) {
      left("", names_);
      out_ += "    ---- forward ----------      ---- backward ---------      ---- step -----\n";
    }
    left("", names_);
    out_ += columns + (training_ ? columns + "        " + unit : "") + "    share        MB\n";
  }
  void speed(const Profile::Work& work) {
    if (work.passes == 0) return left("", 29);
    time(work.seconds);
    if (work.flops == 0) return left("", 19);
    const double gflops = work.flops / work.seconds / 1e9;
    number("%10.1f", gflops);
    peak_ > 0 ? number("%8.1f%%", 100 * gflops / peak_) : left("", 9);
  }
  void line(const Profile::Work& forward, const Profile::Work& backward, const Profile::Work& whole) {
    speed(forward);
    if (training_) speed(backward), time(whole.seconds);
    number("%8.1f%%", 100 * whole.seconds / all_.seconds);
    number("%10.2f", whole.bytes / static_cast<double>(all_.passes) / 1e6);
  }
  void notes(const Profile::Sharing& s, const std::string& below) {
    if (s.derivative) out_ += "  f' of " + below;
    if (s.takes_sums) out_ += "  from sums";
    if (s.no_dx && !s.takes_sums) out_ += "  no dx";
  }

  bool training_, small_ = false;
  double peak_;
  Profile::Total all_;
  std::size_t names_ = 12;
  std::string out_;
};

}  // namespace detail

inline std::string Profile::table(double peak_gflops) const {
  std::string out;
  for (const bool train : {true, false}) {
    if ((train ? training_ : inference_).passes == 0) continue;
    if (!out.empty()) out += '\n';
    out += detail::ProfileTable{*this, train, peak_gflops}.text(rows_);
  }
  return out;
}

}  // namespace tarn
