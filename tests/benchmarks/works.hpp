// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "description.hpp"
#include "measure.hpp"

namespace benchmark {

/// One of the works that the project is judged by: one line of output for each of its measurements.
struct Work {
  std::string name, title;
  std::vector<Description> networks;                                        ///< what is timed, where words can say it
  std::function<Measurement(const Settings&, const Description&)> measure;  ///< once for each network, or once
};
const std::vector<Work>& works();

/// LeNet-5 of problem 3 with batch normalisation at the input and after each tanh.
inline const std::string lenet_layers =
    "batchnorm; conv 6 5 same tanh; batchnorm; avgpool 2; conv 16 5 valid tanh; batchnorm; avgpool 2; conv 120 5 valid tanh; "
    "batchnorm; flatten; dense 84 tanh; batchnorm; dense 10";

/// A training step of a network, or a call of `predict`, on random data that stand in memory.
Measurement time_network(const Settings& settings, const Description& description);
/// Whole training epochs on MNIST, after one that is not counted.
Measurement time_epochs(const Settings& settings, const Description& description);
/// 1000 networks of problem 2.2 from drawing their data to 1000 predictions of each.
Measurement time_ensemble(const Settings& settings);
/// The example programs that solve the assignment, in the published form.
Measurement time_assignment(const Settings& settings);
/// A LeNet program from its start to the end of its first training step, and its size.
Measurement time_start(const Settings& settings);

}  // namespace benchmark
