// SPDX-License-Identifier: MIT
#include <tarn/optim/optimizer.hpp>

#include <fstream>
#include <set>

#include <nlohmann/json.hpp>
#include <tarn/optim/adam.hpp>
#include <tarn/optim/rmsprop.hpp>
#include <tarn/optim/sgd.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"
#include "../support/reference.hpp"
#include "updates.hpp"

using namespace tarn;
using nlohmann::json;
using support::error_of;
using support::Updates;
using support::weights_after;

namespace {

// All that optimizers do, each option at work.
const SGD sgd{.learning_rate = 0.5}, momentum{.learning_rate = 0.5, .momentum = 0.5, .nesterov = true, .weight_decay = 0.1};
const RMSprop rmsprop{.momentum = 0.5, .centered = true};
const Adam adam{.amsgrad = true};
const AdamW adamw{};

/// Calls `check` with each of them.
template <class Check>
void for_all(Check check) {
  check(sgd);
  check(momentum);
  check(rmsprop);
  check(adam);
  check(adamw);
}

template <class T>
Tensor<T> formula(Index size, int salt) {
  Tensor<T> result{Shape{size}};
  for (Index i = 0; i < size; ++i) result[i] = static_cast<T>(support::reference_value(i, salt));
  return result;
}

/// What the options of a case in optimizers.json say, whatever the optimizer.
template <class Spec>
Spec spec_of(const json& options) {
  Spec spec;
  const double rate = options.at("learning_rate");
  spec.learning_rate = [=](Index iteration) { return rate / (1 + 0.1 * static_cast<double>(iteration)); };
  const auto set = [&](const char* name, auto& option) {
    if (options.contains(name)) option = options.at(name).get<std::remove_reference_t<decltype(option)>>();
  };
  set("weight_decay", spec.weight_decay);
  if constexpr (requires { spec.momentum; }) set("momentum", spec.momentum);
  if constexpr (requires { spec.nesterov; }) set("nesterov", spec.nesterov);
  if constexpr (requires { spec.rho; }) set("rho", spec.rho), set("centered", spec.centered);
  if constexpr (requires { spec.epsilon; }) set("epsilon", spec.epsilon);
  if constexpr (requires { spec.amsgrad; }) set("beta_1", spec.beta_1), set("beta_2", spec.beta_2), set("amsgrad", spec.amsgrad);
  if (options.contains("clipvalue")) spec.clip = ClipValue{options.at("clipvalue")};
  if (options.contains("global_clipnorm")) spec.clip = ClipGlobalNorm{options.at("global_clipnorm")};
  return spec;
}

template <class T, class Spec>
void check_case(const Spec& spec, const json& weights, Index size) {
  const Tensor<T> start = formula<T>(size, 0);
  Updates<T, Spec> run{spec, {start.begin(), start.end()}};
  Index step = 0;
  for (const json& kept : weights) {
    while (step < kept.at("step").get<Index>()) {
      Tensor<T> gradient = formula<T>(size, static_cast<int>(++step));
      for (Index i = 0; i < size; ++i) gradient[i] += T(0.1) * run.weights[i];
      run.update(gradient);
    }
    CHECK(support::relative_error(run.weights, kept.at("values").get<std::vector<double>>()) < support::reference_tolerance<T>);
  }
  CHECK(step == 25);
}

template <class Spec>
void check_case(const json& entry, Index size) {
  const auto spec = spec_of<Spec>(entry.at("options"));
  check_case<double>(spec, entry.at("weights"), size);
  check_case<float>(spec, entry.at("weights"), size);
}

}  // namespace

TEST_CASE("Every optimizer agrees with Keras", "[optim][reference]") {
  std::ifstream in{std::string{TARN_TESTS} + "/reference/optimizers.json"};
  const json file = json::parse(in);
  CHECK(file.at("cases").size() == 20);
  std::set<std::string> options;
  for (const json& entry : file.at("cases")) {
    const std::string optimizer = entry.at("optimizer");
    INFO(optimizer << " " << entry.at("options").dump());
    for (const auto& [name, value] : entry.at("options").items()) options.insert(name);
    const Index size = file.at("size");
    if (optimizer == "SGD") check_case<SGD>(entry, size);
    if (optimizer == "RMSprop") check_case<RMSprop>(entry, size);
    if (optimizer == "Adam") check_case<Adam>(entry, size);
    if (optimizer == "AdamW") check_case<AdamW>(entry, size);
  }
  CHECK(options == std::set<std::string>{"amsgrad", "beta_1", "beta_2", "centered", "clipvalue", "epsilon", "global_clipnorm",
                                         "learning_rate", "momentum", "nesterov", "rho", "weight_decay"});
}

TEMPLATE_TEST_CASE("Every weight of a large buffer moves alike, by any number of threads", "[optim]", float, double) {
  for_all([](const auto& spec) {
    using Spec = std::remove_cvref_t<decltype(spec)>;
    INFO(Spec::name);
    // Each weight for itself, in a buffer of one.
    std::vector<TestType> alone;
    for (int i = 0; i < 40; ++i) {
      Updates<TestType, Spec> one{spec, {TestType(0.25)}};
      for (int step = 0; step < 3; ++step) one.update({static_cast<TestType>(support::reference_value(i, step))});
      alone.push_back(one.weights[0]);
    }
    for (const int threads : {1, 3}) {
      const support::Threads scope{threads};
      for (const Index size : {1, 15, 63, 100003}) {
        Updates<TestType, Spec> all{spec, std::vector<TestType>(static_cast<std::size_t>(size), TestType(0.25))};
        for (int step = 0; step < 3; ++step) {
          Tensor<TestType> gradient{Shape{size}};
          for (Index i = 0; i < size; ++i) gradient[i] = static_cast<TestType>(support::reference_value(i % 40, step));
          all.update(gradient);
        }
        for (Index i = 0; i < size; ++i) REQUIRE(all.weights[i] == alone[static_cast<std::size_t>(i % 40)]);
      }
    }
  });
}

TEMPLATE_TEST_CASE("Frozen weights and their slots keep their bits, the others move as ever", "[optim]", float, double) {
  const auto run_with = [](const auto& spec, const std::vector<Range>& ranges) {
    Updates<TestType, std::remove_cvref_t<decltype(spec)>> run{spec, {}};
    const Index size = 20000;
    const Tensor<TestType> start = formula<TestType>(size, 0);
    run = {spec, {start.begin(), start.end()}};
    run.ranges = ranges;
    for (int step = 1; step < 4; ++step) {
      Tensor<TestType> gradient = formula<TestType>(size, step);
      if (!ranges.empty()) gradient[40] = std::numeric_limits<TestType>::quiet_NaN();  // is not even looked at
      run.update(gradient);
    }
    return run;
  };
  const std::vector<Range> ranges{{3, 7}, {7, 8}, {100, 100}, {101, 15001}, {19999, 20000}};
  for_all([&](const auto& spec) {
    INFO(spec.name);
    auto all = run_with(spec, {}), some = run_with(spec, ranges);
    const Tensor<TestType> start = formula<TestType>(20000, 0);
    Tensor<TestType> expected = start;
    for (const Range& range : ranges)
      for (Index i = range.first; i < range.last; ++i) expected[i] = all.weights[i];
    CHECK(support::same_bits(some.weights, expected));
    CHECK_FALSE(support::same_bits(some.weights, start));
    const auto all_slots = all.updater.slots(), some_slots = some.updater.slots();
    for (std::size_t slot = 0; slot < some_slots.size(); ++slot) {
      Tensor<TestType> values{start.shape()};  // zeros
      for (const Range& range : ranges)
        for (Index i = range.first; i < range.last; ++i) values[i] = all_slots[slot].values[i];
      CHECK(support::same_bits(TensorView<const TestType>{some_slots[slot].values}, std::as_const(values).view()));
    }
  });
}

TEMPLATE_TEST_CASE("Clipping by value keeps each element of the gradient in its bounds", "[optim][clip]", float, double) {
  const SGD spec{.learning_rate = 1, .clip = ClipValue{0.5}};
  CHECK(weights_after<TestType>(spec, {0, 0, 0, 0}, {{0.25, -3, 0.75, -0.5}}) == std::vector<double>{-0.25, 0.5, -0.5, 0.5});
  CHECK(std::isnan(weights_after<TestType>(spec, {0}, {{NAN}})[0]));
}

TEMPLATE_TEST_CASE("Clipping by norm shortens a gradient that is too long", "[optim][clip]", float, double) {
  const SGD spec{.learning_rate = 1, .clip = ClipGlobalNorm{5}};
  CHECK(weights_after<TestType>(spec, {0, 0}, {{3, -4}}) == std::vector<double>{-3, 4});
  CHECK(weights_after<TestType>(spec, {0, 0}, {{6, -8}}) == std::vector<double>{-3, 4});
  CHECK(weights_after<TestType>(spec, {0, 0}, {{0, 0}}) == std::vector<double>{0, 0});
}

TEST_CASE("The norm is that of the trained weights alone", "[optim][clip]") {
  Updates<double, SGD> run{SGD{.learning_rate = 1, .clip = ClipGlobalNorm{5}}, {0, 0, 0, 0}};
  run.ranges = {{0, 1}, {2, 3}};
  run.update({6, 1000, -8, 1000});
  CHECK(support::doubles(run.weights) == std::vector<double>{-3, 0, 4, 0});
}

TEST_CASE("Gradients near the largest float are clipped by a norm in double", "[optim][clip]") {
  Updates<float, SGD> run{SGD{.learning_rate = 1, .clip = ClipGlobalNorm{5}}, {0, 0}};
  run.update({3e38F, -3e38F});
  CHECK(support::relative_error(run.weights, std::vector<double>{-std::sqrt(12.5), std::sqrt(12.5)}) < 1e-6);
  Updates<double, SGD> large{SGD{.learning_rate = 1, .clip = ClipGlobalNorm{5}}, {7}};
  CHECK(error_of<StateError>([&] { large.update({1e200}); }) == "SGD: clip by global norm: the gradient's norm is inf");
  CHECK(large.weights[0] == 7);
}

TEST_CASE("A clip's limit is positive and finite", "[optim][clip]") {
  const auto made = [](const GradientClip& clip) { return [=] { SGD::Updater<float, Cpu>{{.clip = clip}, 1}; }; };
  CHECK(error_of<ArgumentError>(made(ClipValue{0})) == "SGD: clip by value: limit is 0, expected above 0 and finite");
  CHECK(error_of<ArgumentError>(made(ClipValue{NAN})) == "SGD: clip by value: limit is nan, expected above 0 and finite");
  CHECK(error_of<ArgumentError>(made(ClipGlobalNorm{-1})) ==
        "SGD: clip by global norm: limit is -1, expected above 0 and finite");
  CHECK(error_of<ArgumentError>([] {
          Adam::Updater<float, Cpu>{{.clip = ClipGlobalNorm{INFINITY}}, 1};
        }) == "Adam: clip by global norm: limit is inf, expected above 0 and finite");
}
