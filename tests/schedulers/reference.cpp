// SPDX-License-Identifier: MIT
#include <fstream>

#include <nlohmann/json.hpp>
#include <tarn/schedulers/compositions.hpp>
#include <tarn/schedulers/cyclic.hpp>

#include "../catch.hpp"

using namespace tarn;
using nlohmann::json;

namespace {

LearningRate schedule_of(const std::string& name, const json& o) {
  const auto number = [&](const char* option, double otherwise) { return o.value(option, otherwise); };
  const auto steps = [&](const char* option) { return o.at(option).get<Index>(); };
  const double initial = number("initial_learning_rate", 0);
  if (name == "ExponentialDecay")
    return ExponentialDecay{initial, number("decay_rate", 0), steps("decay_steps"), o.value("staircase", false)};
  if (name == "InverseTimeDecay")
    return InverseTimeDecay{initial, number("decay_rate", 0), steps("decay_steps"), o.value("staircase", false)};
  if (name == "PiecewiseConstantDecay")
    return PiecewiseConstant{o.at("boundaries").get<std::vector<Index>>(), o.at("values").get<std::vector<double>>()};
  if (name == "PolynomialDecay")
    return PolynomialDecay{initial, number("end_learning_rate", 1e-4), steps("decay_steps"), number("power", 1),
                           o.value("cycle", false)};
  if (name == "CosineDecay" && o.contains("warmup_target"))
    return WarmUp{steps("warmup_steps"), initial,
                  CosineDecay{number("warmup_target", 0), steps("decay_steps"), number("alpha", 0)}};
  if (name == "CosineDecay") return CosineDecay{initial, steps("decay_steps"), number("alpha", 0)};
  if (name == "CosineDecayRestarts")
    return CosineRestarts{initial, steps("first_decay_steps"), number("t_mul", 2), number("m_mul", 1), number("alpha", 0)};
  if (name == "StepDecay") return StepDecay{number("initial", 0), number("factor", 0), steps("steps")};
  if (name == "CyclicLR") {
    const std::string mode = o.at("mode");
    return CyclicLR{.base = number("base", 0),
                    .max = number("max", 0),
                    .step_size = steps("step_size"),
                    .mode = mode == "triangular"    ? CycleMode::triangular
                            : mode == "triangular2" ? CycleMode::triangular2
                                                    : CycleMode::exp_range,
                    .gamma = number("gamma", 0)};
  }
  throw std::runtime_error("unknown schedule " + name);
}

}  // namespace

TEST_CASE("Every schedule agrees with its reference over 9000 iterations", "[schedulers][reference]") {
  std::ifstream in{std::string{TARN_TESTS} + "/reference/schedules.json"};
  const json file = json::parse(in);
  CHECK(file.at("cases").size() == 22);
  const auto sampled = file.at("sampled").get<std::vector<Index>>();
  for (const json& entry : file.at("cases")) {
    const std::string name = entry.at("schedule");
    INFO(name << " " << entry.at("options").dump());
    if (name == "DoublingBatchSize") {
      const DoublingBatchSize sizes{.min = entry.at("options").at("min"), .max = entry.at("options").at("max")};
      const auto first = entry.at("first").get<std::vector<Index>>(), last = entry.at("last").get<std::vector<Index>>();
      for (std::size_t i = 0; i < first.size(); ++i) CHECK(sizes({static_cast<Index>(i), 0}) == first[i]);
      for (std::size_t i = 0; i < last.size(); ++i) CHECK(sizes({8980 + static_cast<Index>(i), 0}) == last[i]);
      continue;
    }
    const LearningRate rate = schedule_of(name, entry.at("options"));
    const auto values = entry.at("values").get<std::vector<double>>();
    for (std::size_t i = 0; i < sampled.size(); ++i) {
      INFO("iteration " << sampled[i]);
      CHECK(std::abs(rate(sampled[i]) - values[i]) < 1e-13);
    }
    double sum = 0;
    for (Index i = 0; i < file.at("steps").get<Index>(); ++i) sum += rate(i);
    CHECK(std::abs(sum / entry.at("sum").get<double>() - 1) < 1e-12);
  }
}
