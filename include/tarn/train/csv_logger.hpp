// SPDX-License-Identifier: MIT
#pragma once

#include <ostream>

#include <tarn/train/callbacks.hpp>

namespace tarn {

/// Writes a line of CSV after each epoch, as `epochs_csv` does, so that a run that is cut short leaves what it found. The stream
/// must outlive the training; with `append` (further calls of `fit`) the header is left out.
class CsvLogger {
 public:
  explicit CsvLogger(std::ostream& out, bool append = false) : out_{out}, append_{append} {}

  void on_fit_begin(const FitInfo& info) {
    metrics_ = info.metrics.size();
    if (!append_) out_ << detail::epoch_csv_header(info.metrics) << std::flush;
  }
  /// Throws IoError where the stream does not take the line.
  void on_epoch_end(const EpochRecord& record) {
    out_ << detail::epoch_csv_line(record, metrics_) << std::flush;
    if (!out_) throw IoError("CsvLogger: epoch ", record.epoch, " could not be written");
  }

 private:
  std::ostream& out_;
  bool append_;
  std::size_t metrics_ = 0;
};

}  // namespace tarn
