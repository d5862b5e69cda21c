// SPDX-License-Identifier: MIT
// Problem 3: what batch normalisation and dropout do to LeNet-5 on MNIST. Four variants, as published.
#include <filesystem>
#include <iostream>

#include <zlib.h>
#include <nlohmann/json.hpp>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>
#include "common/program.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"

namespace {

using examples::Json;
using namespace tarn;

struct Variant {
  std::string name;
  bool input_batch_norm, hidden_batch_norm, dropout;
};

const std::vector<Variant> variants{{"standard_input_batchnorm_hidden", false, true, false},
                                    {"batchnorm_input_and_hidden", true, true, false},
                                    {"dropout_only", false, false, true},
                                    {"batchnorm_and_dropout", true, true, true}};

/// LeNet-5. Dropout and batch normalisation stand after each tanh, before the pooling. The softmax is part of the loss.
Sequential<float> lenet(const Variant& variant) {
  std::vector<LayerSpec<>> layers;
  const auto regularise = [&](bool batch_norm, double rate) {
    if (variant.dropout) layers.push_back(Dropout{rate});
    if (batch_norm) layers.push_back(BatchNorm{});
  };
  const auto hidden = [&](const LayerSpec<>& layer) {
    layers.push_back(layer);
    regularise(variant.hidden_batch_norm, 0.5);
  };
  regularise(variant.input_batch_norm, 0.2);
  hidden(Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}});
  layers.push_back(AvgPool2D{2});
  hidden(Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}});
  layers.push_back(AvgPool2D{2});
  hidden(Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}});
  layers.push_back(Flatten{});
  hidden(Dense{.units = 84, .activation = Tanh{}});
  layers.push_back(Dense{.units = 10});
  return {Input{28, 28, 1}, layers};
}

/// Ends a training when Ctrl-C is pressed.
struct StopOnInterrupt {
  Training on_step_end(const StepInfo&) const { return examples::interrupted() ? Training::stop : Training::go_on; }
};

Json to_json(const EpochRecord& record) {
  return {{"epoch", record.epoch},
          {"seconds", record.seconds},
          {"ms_per_step", 1000 * record.seconds / static_cast<double>(record.steps)},
          {"loss", record.training.loss},
          {"accuracy", *record.training.accuracy},
          {"val_loss", record.validation->loss},
          {"val_accuracy", *record.validation->accuracy}};
}

/// gamma, beta and moving statistics of every batch normalisation, in the order of the layers.
Json batch_norms(const Sequential<float>& model) {
  Json found = Json::array();
  for (const auto& layer : model.layers()) {
    if (layer.type != BatchNorm::type) continue;
    Json norm;
    for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"}) {
      const auto values = model.weights(layer.name + "/" + name);
      norm[name] = std::vector<float>(values.begin(), values.end());
    }
    found.push_back(norm);
  }
  return found;
}

std::string fingerprint(const Sequential<float>& model) {
  uLong sum = crc32(0, nullptr, 0);
  for (const auto& values : {model.parameters().trainable(), model.parameters().state()})
    if (values.size() > 0)  // of nothing, zlib gives its initial value
      sum = crc32(sum, reinterpret_cast<const Bytef*>(values.data()),
                  static_cast<uInt>(values.size() * static_cast<Index>(sizeof(float))));
  char text[16];
  std::snprintf(text, sizeof text, "%08lx", sum);
  return text;
}

/// Published value, ours and its spread, for the last epoch of each variant.
void print_comparison(const Json& published, const std::vector<Json>& repeats) {
  std::vector<std::vector<std::string>> rows{
      {"variant", "figure", "published", "median", "deviation", "95 % for one more run", "published within"}};
  const std::vector<std::pair<std::string, std::string>> figures{
      {"accuracy", "training accuracy"}, {"loss", "training loss"}, {"val_accuracy", "test accuracy"}, {"val_loss", "test loss"}};
  for (const auto& variant : variants)
    for (const auto& [key, figure] : figures) {
      std::vector<double> values;
      for (const Json& repeat : repeats)
        if (repeat.contains(variant.name)) values.push_back(repeat[variant.name]["epochs"].back()[key].get<double>());
      if (values.empty()) continue;
      const double value = published[variant.name]["epochs"].back()[key].get<double>();
      const auto interval = examples::prediction_interval(values);
      rows.push_back({key == "accuracy" ? variant.name : "", figure, examples::fixed(value, 4),
                      examples::fixed(examples::median(values), 4),
                      values.size() > 1 ? examples::fixed(examples::deviation(values), 4) : "-",
                      interval ? examples::fixed(interval->low, 4) + " to " + examples::fixed(interval->high, 4) : "-",
                      !interval                   ? "no judgement"
                      : interval->contains(value) ? "yes"
                                                  : "no"});
    }
  examples::print_table(std::cout, rows);
}

int problem3(const examples::Options& options) {
  const Json published = examples::published("problem3");
  auto [train, test] = data::mnist({.folder = options.data});
  if (options.quick) train = train.take(0, 6000), test = test.take(0, 2000);
  const int epochs = options.epochs ? options.epochs : options.quick ? 2 : 10;
  const int repeats = options.repeats ? options.repeats : options.quick ? 1 : 5;
  std::filesystem::create_directories(options.out);
  std::cout << "Problem 3: LeNet-5 on MNIST, as published. " << train.size() << " training and " << test.size()
            << " test images, " << epochs << " epochs, batch 128, SGD 0.01; " << repeats << (repeats == 1 ? " run" : " runs")
            << " of each variant; CPU (" << cpu::to_string(cpu::instruction_set()) << "), " << parallel::threads()
            << " threads.\n";
  if (options.quick) std::cout << "QUICK RUN on a sample of the data: the figures say nothing about the problem.\n";

  std::vector<Json> finished;
  Json parameters, fingerprints = Json::array();
  double seconds = 0;
  for (int repeat = 0; repeat < repeats && !examples::interrupted(); ++repeat) {
    Json tree, prints;
    for (const auto& variant : variants) {
      const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(repeat);
      auto model = lenet(variant);
      model.initialize(seed);
      if (repeat == 0) std::cout << '\n' << variant.name << '\n' << model.summary();
      std::cout << '\n' << variant.name << ", run " << repeat + 1 << " of " << repeats << " (seed " << seed << ")\n";
      Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01}, {.seed = seed}};
      const History history = trainer.fit(
          train, {.epochs = epochs, .batch_size = 128, .validation = &test, .callbacks = {ProgressBar{}, StopOnInterrupt{}}});
      if (examples::interrupted()) break;
      for (const auto& record : history.epochs) {
        tree[variant.name]["epochs"].push_back(to_json(record));
        seconds += record.seconds;
      }
      if (variant.hidden_batch_norm) tree[variant.name]["batch_normalization"] = batch_norms(model);
      const Index trainable = model.parameters().trainable_count(), state = model.parameters().state_count();
      tree["parameters"][variant.name] = {{"total", trainable + state}, {"trainable", trainable}, {"non_trainable", state}};
      if (variant.name == "batchnorm_input_and_hidden") {
        const auto first = model.weights("batch_norm_1/moving_mean");
        tree["input_batchnorm"] = {{"moving_mean", model.weights("batch_norm/moving_mean")[0]},
                                   {"moving_variance", model.weights("batch_norm/moving_variance")[0]},
                                   {"block1_moving_mean_first_three", std::vector<float>(first.begin(), first.begin() + 3)}};
      }
      prints[variant.name] = fingerprint(model);
    }
    if (!tree.is_null() && tree.size() == variants.size() + 2) {
      finished.push_back(tree);
      fingerprints.push_back(prints);
    }
  }

  if (!finished.empty()) {
    std::cout << "\nLast epoch, published and ours over " << finished.size() << (finished.size() == 1 ? " run" : " runs")
              << (options.quick ? " (QUICK RUN)" : "") << '\n';
    print_comparison(published, finished);
  }
  Json result{{"quick", options.quick},
              {"published", {{"problem3", finished.empty() ? Json::object() : examples::median_tree(finished)}}},
              {"repeats", Json::array()},
              {"run",
               {{"seed", options.seed},
                {"repeats", finished.size()},
                {"complete", static_cast<int>(finished.size()) == repeats},
                {"epochs", epochs},
                {"threads", parallel::threads()},
                {"device", Cpu::name},
                {"instruction_set", cpu::to_string(cpu::instruction_set())},
                {"seconds", {{"problem3", seconds}}},
                {"versions", {{"tarn", tarn::version}, {"compiler", __VERSION__}}},
                {"fingerprints", fingerprints}}}};
  for (const Json& tree : finished) result["repeats"].push_back({{"published", {{"problem3", tree}}}});
  const auto file = options.out / "problem3.json";
  examples::write_json(file, result);
  std::cout << "\nWritten: " << file.string() << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run(
      argc, argv, "problem3_lenet",
      "Problem 3 of the assignment: batch normalisation and dropout in LeNet-5 on MNIST, four variants as published.", problem3);
}
