// SPDX-License-Identifier: MIT
// Problem 4: learning rate and batch size on Fashion-MNIST, swept and cycled.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>
#include "common/lenet.hpp"
#include "common/program.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"
#include "common/training.hpp"

namespace {

using examples::Agreement;
using examples::Figure;
using examples::fixed;
using examples::Form;
using examples::Json;
using examples::Results;
using examples::Rows;
using namespace tarn;

constexpr std::array rates{1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1};
constexpr std::array<Index, 8> sizes{64, 128, 256, 512, 1024, 2048, 4096, 8192};
constexpr double sgd_rate = 0.1;       // wherever the batch size is what changes
constexpr Index batch = 64;            // wherever the rate is
constexpr double momentum = 0.99;      // of the batch norms' moving statistics
constexpr double worth_taking = 1.5;   // a size is, while the sweep's loss is at most this many times the lowest
constexpr Index renewing_steps = 300;  // 0.99^300 = 5 % of what the moving statistics were is left
const std::array<std::string, 10> classes{"T-shirt/top", "trouser", "pullover", "dress", "coat",
                                          "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};

/// As in 1e-9 or 3.6e-5.
std::string power(double value, int decimals = 0) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*e", decimals, value);
  const std::string digits = text;
  return digits.substr(0, digits.find('e') + 1) + std::to_string(std::stoi(digits.substr(digits.find('e') + 1)));
}

// Data and trainings ----------------------------------------------------------------------------------------------------

struct Data {
  Dataset train, test;  // pixels 0 to 255; labels one-hot
  Dataset images;       // all training images, by label
  std::array<Index, 10> train_counts{}, test_counts{};
  double pixel_mean = 0;  // of the images trained on
};

std::array<Index, 10> count_classes(const Samples& labels) {
  std::array<Index, 10> counts{};
  for (Index i = 0; i < labels.size(); ++i) ++counts[static_cast<std::size_t>(labels.at(i))];
  return counts;
}

Data load(const examples::Options& options) {
  Data data;
  auto [train, test] = data::fashion_mnist({.folder = options.data, .scale = 1});
  data.train_counts = count_classes(train.targets);
  data.test_counts = count_classes(test.targets);
  data.images = train;
  if (options.quick) train = train.take(0, 2000), test = test.take(0, 1000);
  data.pixel_mean = data::Standardizer::fit(train.inputs, {.per = data::Per::whole}).mean()[0];
  data.train = {train.inputs, data::one_hot(train.targets, 10)};
  data.test = {test.inputs, data::one_hot(test.targets, 10)};
  return data;
}

/// A training to be made.
struct Plan {
  std::string name;  // tells it from all others
  LearningRate rate = sgd_rate;
  BatchSize size = batch;
  Index epochs = 0, steps = 0;  // one of them
  bool drop_last = false;       // for sizes that change: a last batch of a few images would spoil the batch norms' statistics
  bool followed = true;         // tested after each epoch, every step recorded
  bool by_hand = false;         // the published loop of 4.6
  bool timed = false;           // its length comes from a clock, so that it differs from one time to the next
};

/// What a training gave.
struct Run {
  History history;
  Index updates = 0, seen = 0;  // samples seen
  bool diverged = false;
  double seconds = 0;
  Metrics test, renewed;            // after the last update; and with the moving statistics measured anew
  std::vector<double> moving_mean;  // of the batch norm at the input, by epoch

  double loss() const { return diverged ? NAN : history.epochs.back().training.loss; }
  double accuracy() const { return diverged ? NAN : *history.epochs.back().training.accuracy; }
};
using Runs = std::vector<const Run*>;

/// Makes trainings, each once: the forms and parts share them.
class Lab {
 public:
  Lab(const examples::Options& options_, Results& results_, const Data& data_)
      : options{options_}, results{results_}, data{data_} {}

  const examples::Options& options;
  Results& results;
  const Data& data;
  const Json published = examples::published("problem4");

  // What is done how often: --epochs and --repeats change it.
  const Index epochs = options.epochs ? options.epochs : 5;
  const Index sweep_epochs = options.quick && !options.epochs ? 1 : epochs;
  const int sweep_repeats = std::min(options.repeats ? options.repeats : 1, 3);
  const int published_repeats = options.repeats ? options.repeats : options.quick ? 1 : 5;
  const int compared_repeats = options.repeats ? options.repeats : options.quick ? 1 : 3;
  const int other_repeats = options.repeats ? options.repeats : 1;

  /// Those of `repeats` that Ctrl-C left.
  Runs train(const Plan& plan, int repeats) {
    Runs runs;
    for (int repeat = 0; repeat < repeats; ++repeat)
      if (const Run* run = train_once(plan, repeat)) runs.push_back(run);
    return runs;
  }

  /// One pass over the images with a growing rate, for each seed of the sweeps.
  const std::vector<RangeTest>& range_tests() {
    const Index steps = options.quick ? 100 : (data.train.size() + batch - 1) / batch;
    for (int repeat = static_cast<int>(range_tests_.size()); repeat < sweep_repeats; ++repeat) {
      Sequential<float> model = examples::lenet({.input_batch_norm = true, .hidden_batch_norm = true});
      const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(repeat);
      model.initialize(seed);
      range_tests_.push_back(learning_rate_range_test(model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, data.train,
                                                      {.lowest = 1e-6,
                                                       .highest = 10,
                                                       .steps = steps,
                                                       .batch_size = batch,
                                                       .smoothing = 1 - 20.0 / static_cast<double>(steps),
                                                       .seed = seed}));
    }
    return range_tests_;
  }

 private:
  const Run* train_once(const Plan& plan, int repeat) {
    const auto known = runs_.find({plan.name, repeat});
    if (known != runs_.end()) return &known->second;
    if (examples::interrupted()) return nullptr;
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(repeat);
    Sequential<float> model = examples::lenet({.input_batch_norm = true, .hidden_batch_norm = true});
    model.initialize(seed);
    Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = plan.rate}, {.seed = seed}};
    Run run;
    try {
      if (plan.by_hand)
        train_as_published(plan, model, trainer, run);
      else
        trainer.fit(data.train, {.epochs = plan.epochs ? std::optional{plan.epochs} : std::nullopt,
                                 .steps = plan.steps ? std::optional{plan.steps} : std::nullopt,
                                 .batch_size = plan.size,
                                 .drop_last = plan.drop_last,
                                 .validation = plan.followed ? &data.test : nullptr,
                                 .record_steps = plan.followed,
                                 .callbacks = {examples::StopOnInterrupt{}, AtEpochEnd{[&](const EpochRecord&) {
                                                 run.moving_mean.push_back(input_mean(model));
                                               }},
                                               AtFitEnd{[&](const History& history) { run.history = history; }}}});
    } catch (const StateError&) {  // a loss that is no longer finite
      run.diverged = true;
    }
    if (examples::interrupted()) return nullptr;
    run.updates = trainer.iterations();
    for (const EpochRecord& epoch : run.history.epochs) run.seconds += epoch.seconds, run.seen += epoch.training.samples;
    run.test = plan.followed && !run.diverged ? *run.history.epochs.back().validation : trainer.evaluate(data.test);
    std::cout << plan.name << ", seed " << seed << ": "
              << (run.diverged ? "diverged at step " + std::to_string(run.updates)
                               : std::to_string(run.updates) + " updates, training loss " + fixed(run.loss(), 4) +
                                     ", test accuracy " + fixed(*run.test.accuracy, 4) + ", " + fixed(run.seconds, 1) + " s")
              << std::endl;
    if (!plan.timed) results.fingerprint(plan.name + ", seed " + std::to_string(seed), model);
    if (plan.followed) run.renewed = renew_and_test(model, seed);
    return &runs_.emplace(std::pair{plan.name, repeat}, std::move(run)).first->second;
  }

  /// 4.6 as it was run: batch after batch of the images in their stored order; an epoch ends where the next batch would pass its end.
  void train_as_published(const Plan& plan, const Sequential<float>& model, auto& trainer, Run& run) {
    for (Index epoch = 0; epoch < plan.epochs && !examples::interrupted(); ++epoch) {
      const auto start = std::chrono::steady_clock::now();
      EpochRecord record;
      record.epoch = epoch + 1;
      trainer.reset_metrics();
      Index first = 0, size = plan.size(Progress{trainer.iterations(), epoch});
      while (first + size <= data.train.size() && !examples::interrupted()) {
        const Metrics step = trainer.train_on_batch(data.train.take(first, size));
        StepInfo info;
        info.epoch = record.epoch, info.iteration = trainer.iterations() - 1, info.batch = size;
        info.learning_rate = sgd_rate, info.loss = step.loss;
        run.history.steps.push_back(info);
        ++record.steps;
        first += size;
        size = plan.size(Progress{trainer.iterations(), epoch});
      }
      record.training = trainer.running_metrics();
      record.validation = trainer.evaluate(data.test);
      record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      run.history.epochs.push_back(record);
      run.moving_mean.push_back(input_mean(model));
    }
  }

  static double input_mean(const Sequential<float>& model) {
    return static_cast<double>(model.weights("batch_norm/moving_mean")[0]);
  }

  /// The test figures with moving statistics that had the time to settle: steps with a rate of 0 change nothing else.
  Metrics renew_and_test(Sequential<float>& model, std::uint64_t seed) const {
    Trainer still{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0}, {.seed = seed}};
    still.fit(data.train, {.steps = options.quick ? renewing_steps / 3 : renewing_steps, .batch_size = batch});
    return still.evaluate(data.test);
  }

  std::map<std::pair<std::string, int>, Run> runs_;
  std::vector<RangeTest> range_tests_;
};

template <class Figure>
std::vector<double> all(const Runs& runs, Figure figure) {
  std::vector<double> values;
  for (const Run* run : runs) values.push_back(figure(*run));
  return values;
}
double test_loss(const Run& run) { return run.test.loss; }
double test_accuracy(const Run& run) { return run.test.accuracy.value_or(NAN); }
double renewed_loss(const Run& run) { return run.renewed.loss; }
double renewed_accuracy(const Run& run) { return run.renewed.accuracy.value_or(NAN); }
double seconds_of(const Run& run) { return run.seconds; }

/// The median, and in brackets the standard deviation where there is one.
std::string middle(const std::vector<double>& values, int decimals) {
  return fixed(examples::median(values), decimals) +
         (values.size() > 1 ? " (" + fixed(examples::deviation(values), decimals) + ")" : "");
}

/// "The test loss of A is lower than that of B (...)", or that the runs do not tell them apart, by the differences of runs that share
/// their seeds.
std::string compared(const std::string& figure, const std::string& first_name, const std::vector<double>& first,
                     const std::string& second_name, const std::vector<double>& second, int decimals = 4) {
  std::vector<double> differences, left, right;
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    left.push_back(first[i]);
    right.push_back(second[i]);
    differences.push_back(first[i] - second[i]);
  }
  const auto interval = examples::confidence_interval(differences);
  std::string numbers = " (" + fixed(examples::mean(left), decimals) + " and " + fixed(examples::mean(right), decimals);
  if (!interval) return figure + " of " + first_name + " and of " + second_name + numbers + "): one run each does not rank them.";
  numbers += " in the mean, 95 % interval of the difference " + fixed(interval->low, decimals) + " to " +
             fixed(interval->high, decimals) + ", " + std::to_string(differences.size()) + " seeds).";
  if (interval->contains(0)) return figure + " of " + first_name + " and of " + second_name + " are not told apart" + numbers;
  return figure + " of " + first_name + " is " + (examples::mean(differences) > 0 ? "higher" : "lower") + " than that of " +
         second_name + numbers;
}

/// Sizes of the batches that were trained on, by epoch.
std::vector<std::vector<Index>> trace_of(const Run& run) {
  std::vector<std::vector<Index>> trace(run.history.epochs.size());
  for (const StepInfo& step : run.history.steps) trace[static_cast<std::size_t>(step.epoch - 1)].push_back(step.batch);
  return trace;
}

Json accuracies(const Run& run) {
  Json values = Json::array();
  for (const EpochRecord& epoch : run.history.epochs) values.push_back(*epoch.training.accuracy);
  return values;
}
Json correct_of_seen(const Run& run) {
  Json values = Json::array();
  for (const EpochRecord& epoch : run.history.epochs) {
    const auto seen = static_cast<double>(epoch.training.samples);
    values.push_back({std::llround(*epoch.training.accuracy * seen), epoch.training.samples});
  }
  return values;
}
Json test_figures(const Run& run) {
  return {{"updates", run.updates},
          {"samples", run.seen},
          {"seconds", run.seconds},
          {"loss", run.loss()},
          {"test_loss", run.test.loss},
          {"test_accuracy", test_accuracy(run)},
          {"test_loss_renewed", run.renewed.loss},
          {"test_accuracy_renewed", renewed_accuracy(run)}};
}

/// Epoch, median over the runs, smallest and largest value.
template <class Value>
std::vector<std::vector<double>> by_epoch(const Runs& runs, Value value) {
  std::vector<std::vector<double>> rows;
  for (std::size_t epoch = 0; epoch < runs[0]->history.epochs.size(); ++epoch) {
    std::vector<double> values =
        all(runs, [&](const Run& run) { return epoch < run.history.epochs.size() ? value(run.history.epochs[epoch]) : NAN; });
    std::erase_if(values, [](double v) { return !std::isfinite(v); });
    if (values.empty()) continue;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    rows.push_back({static_cast<double>(epoch + 1), examples::median(values), *low, *high});
  }
  return rows;
}
double training_loss(const EpochRecord& epoch) { return epoch.training.loss; }
double training_accuracy(const EpochRecord& epoch) { return 100 * *epoch.training.accuracy; }
double validation_loss(const EpochRecord& epoch) { return epoch.validation->loss; }
double validation_accuracy(const EpochRecord& epoch) { return 100 * *epoch.validation->accuracy; }

std::string band(const std::string& block, int colour, const std::string& title, const std::string& style = "") {
  const std::string lt = " lt " + std::to_string(colour);
  return "$" + block + " using 1:3:4 with filledcurves" + lt + " notitle, $" + block + " using 1:2 with lines" + lt + ' ' +
         style + " title '" + title + "'";
}

// 4.1 -------------------------------------------------------------------------------------------------------------------

void count_and_show(Lab& lab) {
  const Data& data = lab.data;
  Rows rows{{"class", "name", "training", "test"}};
  Index train = 0, test = 0;
  for (std::size_t k = 0; k < 10; ++k) {
    rows.push_back({std::to_string(k), classes[k], std::to_string(data.train_counts[k]), std::to_string(data.test_counts[k])});
    train += data.train_counts[k];
    test += data.test_counts[k];
  }
  rows.push_back({"", "all", std::to_string(train), std::to_string(test)});
  lab.results.table("problem4_counts", "Images of Fashion-MNIST by class", rows);
  for (const Form form : {Form::published, Form::corrected})
    if (lab.options.wants(form))
      lab.results.at(form, 0)["dataset"] = {{"training", train},
                                            {"test", test},
                                            {"classes", 10},
                                            {"training_by_class", data.train_counts},
                                            {"test_by_class", data.test_counts}};

  Figure grid{
      "problem4_images", "Three images of each of the first three classes",
      "A row for each of the classes 0, 1 and 2, with its first three training images: 28 x 28 pixels, 0 (white here) to 255.",
      480, 500};
  grid << "set multiplot layout 3,3 margins 0.01,0.99,0.01,0.94 spacing 0.02,0.07\nunset key\nunset tics\nunset border\nunset "
          "grid\n"
          "unset colorbox\nset palette defined (0 'white', 1 '#10202c')\nset cbrange [0:255]\nset size ratio -1\nset xrange "
          "[-0.5:27.5]\n"
          "set yrange [27.5:-0.5]";
  for (std::size_t k = 0; k < 3; ++k) {
    Index image = 0;
    for (int column = 0; column < 3; ++column, ++image) {
      while (static_cast<std::size_t>(data.images.targets.at(image)) != k) ++image;
      std::vector<std::vector<double>> pixels;
      for (Index p = 0; p < 784; ++p)
        pixels.push_back({static_cast<double>(p % 28), static_cast<double>(p / 28), data.images.inputs.at(image * 784 + p)});
      const std::string block = "image" + std::to_string(3 * k + static_cast<std::size_t>(column));
      grid.data(block, pixels);
      grid << "set title '" + std::to_string(k) + ": " + classes[k] + "' offset 0,-0.7\nplot $" + block +
                  " using 1:2:3 with image";
    }
  }
  grid << "unset multiplot";
  lab.results.figure(grid);
}

// 4.2 and 4.4: sweeps ---------------------------------------------------------------------------------------------------

Plan constant(double rate, Index size, Index epochs) {
  // The one that both sweeps share is what all cycles are compared with.
  const bool followed = rate == sgd_rate && size == batch;
  return {.name = "rate " + power(rate) + ", size " + std::to_string(size),
          .rate = rate,
          .size = size,
          .epochs = epochs,
          .followed = followed};
}

/// One value of what a sweep varies, and the runs with it.
struct Swept {
  double value;
  Runs runs;

  std::vector<double> losses() const {
    std::vector<double> values;
    for (const Run* run : runs)
      if (!run->diverged) values.push_back(run->loss());
    return values;
  }
  double loss() const { return losses().empty() ? NAN : examples::median(losses()); }
};
using Sweep = std::vector<Swept>;

Sweep sweep_rates(Lab& lab) {
  Sweep sweep;
  for (const double rate : rates) sweep.push_back({rate, lab.train(constant(rate, batch, lab.sweep_epochs), lab.sweep_repeats)});
  return sweep;
}
Sweep sweep_sizes(Lab& lab) {
  Sweep sweep;
  for (const Index size : sizes)
    sweep.push_back({static_cast<double>(size), lab.train(constant(sgd_rate, size, lab.sweep_epochs), lab.sweep_repeats)});
  return sweep;
}

/// Where the loss is lowest, or highest, of what has one.
double at_lowest(const Sweep& sweep, double sign = 1) {
  const Swept* best = nullptr;
  for (const Swept& swept : sweep)
    if (!swept.losses().empty() && (!best || sign * swept.loss() < sign * best->loss())) best = &swept;
  return best ? best->value : NAN;
}
double at_highest(const Sweep& sweep) { return at_lowest(sweep, -1); }
double loss_at(const Sweep& sweep, double value) {
  for (const Swept& swept : sweep)
    if (swept.value == value) return swept.loss();
  return NAN;
}

/// The sizes that a cycle of sizes is to go through: the one with the lowest loss, and the largest that is worth taking.
struct Range {
  Index min, max;
};
Range choose_sizes(const Sweep& sweep) {
  const double best = at_lowest(sweep), lowest = loss_at(sweep, best);
  Range range{static_cast<Index>(best), 2 * static_cast<Index>(best)};
  for (const Swept& swept : sweep)
    if (swept.value > best && swept.loss() <= worth_taking * lowest) range.max = static_cast<Index>(swept.value);
  return range;
}

/// Table, JSON and time of a sweep. `key` as in "learning_rate_sweep", `what` as in "rate".
void report_sweep(Lab& lab, const Sweep& sweep, const std::string& key, const std::string& what, const std::string& name,
                  const std::string& title) {
  Rows rows{{what, "training loss", "training accuracy", "test accuracy", "updates", "seconds"}};
  std::vector<double> seconds;
  for (int repeat = 0; repeat < lab.sweep_repeats; ++repeat) {
    double sum = 0;
    Json found = Json::array();
    for (const Swept& swept : sweep) {
      if (static_cast<std::size_t>(repeat) >= swept.runs.size()) return;  // Ctrl-C
      const Run& run = *swept.runs[static_cast<std::size_t>(repeat)];
      sum += run.seconds;
      found.push_back({{what, swept.value}, {"updates", run.updates}});
      if (run.diverged)
        found.back()["diverged_at_step"] = run.updates;
      else
        found.back().update({{"loss", run.loss()}, {"accuracy", run.accuracy()}, {"test_accuracy", test_accuracy(run)}});
    }
    seconds.push_back(sum);
    for (const Form form : {Form::published, Form::corrected})
      if (lab.options.wants(form))
        lab.results.at(form, repeat)[key] = {
            {"runs", sweep.size()}, {"epochs", lab.sweep_epochs}, {"seconds", sum}, {"by_" + what, found}};
  }
  for (const Swept& swept : sweep) {
    const std::string value = what == "rate" ? power(swept.value) : fixed(swept.value, 0);
    const std::size_t diverged = swept.runs.size() - swept.losses().size();
    if (diverged > 0)
      rows.push_back(
          {value,
           "diverged" +
               (swept.runs.size() > 1 ? ", " + std::to_string(diverged) + " of " + std::to_string(swept.runs.size()) : ""),
           "-", "-", std::to_string(swept.runs[0]->updates), "-"});
    else
      rows.push_back({value, middle(swept.losses(), 4),
                      fixed(examples::median(all(swept.runs, [](const Run& r) { return r.accuracy(); })), 4),
                      fixed(examples::median(all(swept.runs, test_accuracy)), 4), std::to_string(swept.runs[0]->updates),
                      fixed(examples::median(all(swept.runs, seconds_of)), 1)});
  }
  lab.results.table(name, title, rows);
  lab.results.finding(name + "_time", "These " + std::to_string(sweep.size()) + " trainings took " +
                                          fixed(examples::median(seconds), 0) + " seconds here, in the published run " +
                                          lab.published[key]["seconds"].dump() + " on a GPU.");
}

/// Loss against what was varied, and the values where it diverged at the picture's upper edge.
void draw_sweep(Lab& lab, const Sweep& sweep, Figure figure, const std::string& xlabel, const std::string& xtics) {
  std::vector<std::vector<double>> rows, diverged;
  double top = 0;
  for (const Swept& swept : sweep) {
    for (const double loss : swept.losses()) top = std::max(top, loss);
    if (!swept.losses().empty()) {
      const std::vector<double> losses = swept.losses();
      const auto [low, high] = std::minmax_element(losses.begin(), losses.end());
      rows.push_back({swept.value, swept.loss(), *low, *high});
    }
  }
  for (const Swept& swept : sweep)
    if (swept.losses().size() < swept.runs.size()) diverged.push_back({swept.value, 1.6 * top});
  figure.data("losses", rows);
  figure << "set logscale xy\n" + xtics + "\nset xlabel '" + xlabel +
                "'\nset ylabel 'training loss of the last epoch'\nset yrange [*:" + fixed(2 * top, 3) + "]\nset key bottom " +
                (diverged.empty() ? "right" : "left");
  std::string plot =
      "plot $losses using 1:2:3:4 with yerrorbars lt 1 lw 1 notitle, $losses using 1:2 with linespoints lt 1 title 'training "
      "loss'";
  if (!diverged.empty()) {
    figure.data("diverged", diverged);
    plot += ", $diverged using 1:2 with points lt 4 pt 2 ps 1.2 lw 3 title 'diverged'";
  }
  figure << plot;
  lab.results.figure(figure);
}

void report_rates(Lab& lab, const Sweep& sweep) {
  report_sweep(lab, sweep, "learning_rate_sweep", "rate", "problem4_rates",
               "Learning rates, batch 64, " + std::to_string(lab.sweep_epochs) + " epochs: the last epoch");
  if (examples::interrupted()) return;
  const double low = at_lowest(sweep), high = at_highest(sweep);
  for (const Form form : {Form::published, Form::corrected})
    if (lab.options.wants(form))
      lab.results.at(form, 0)["learning_rate_choice"] = {{"at_lowest_loss", low}, {"at_highest_loss", high}};
  lab.results.finding(
      "rate_choice",
      "The loss is lowest at the rate " + power(low) + " (" + fixed(loss_at(sweep, low), 4) +
          ") and highest, where there is one, at " + power(high) + " (" + fixed(loss_at(sweep, high), 4) + ")" +
          (low == 1e-1 && high == 1e-9
               ? ": the published lr_min = 1e-1 and lr_max = 1e-9 are the rates of the lowest and the highest loss."
               : "."));
  std::string gone;
  for (const Swept& swept : sweep)
    for (std::size_t repeat = 0; repeat < swept.runs.size(); ++repeat)
      if (swept.runs[repeat]->diverged)
        gone += (gone.empty() ? "" : "; ") + ("rate " + power(swept.value)) + " in step " +
                std::to_string(swept.runs[repeat]->updates);
  lab.results.finding("diverged",
                      gone.empty() ? "No rate made the loss infinite." : "The loss is no longer finite with " + gone + ".");
  draw_sweep(lab, sweep,
             {"problem4_rates", "Training loss against learning rate",
              "Eleven trainings that differ in the rate alone, both axes logarithmic. To the left nothing is learnt in the time, "
              "to the right the "
              "steps are too long; a cross marks a rate at which the loss is no longer a number.",
              720, 400},
             "learning rate", "set xrange [3e-10:30]\nset format x '10^{%T}'");
}

/// Loss against rate and against size, both as functions of rate / size; how far they differ where both were measured.
void compare_curves(Lab& lab, const Sweep& by_rate, const Sweep& by_size) {
  std::vector<std::vector<double>> rate_rows, size_rows;
  for (const Swept& swept : by_rate)
    if (std::isfinite(swept.loss())) rate_rows.push_back({swept.value / static_cast<double>(batch), swept.loss()});
  std::vector<double> factors;
  std::string listed;
  for (const Swept& swept : by_size) {
    const double ratio = sgd_rate / swept.value;
    size_rows.push_back({ratio, swept.loss()});
    for (std::size_t i = 0; i + 1 < rate_rows.size(); ++i) {
      const auto &left = rate_rows[i], &right = rate_rows[i + 1];
      if (swept.value == static_cast<double>(batch) || ratio < left[0] || ratio > right[0]) continue;
      const double share = std::log(ratio / left[0]) / std::log(right[0] / left[0]);
      factors.push_back(swept.loss() / std::exp(std::log(left[1]) * (1 - share) + std::log(right[1]) * share));
      listed += (listed.empty() ? "" : ", ") + fixed(factors.back(), 2) + " at " + fixed(swept.value, 0);
      break;
    }
  }
  if (factors.empty()) return;
  lab.results.finding("curves_alike",
                      "At the same ratio of rate to size, the loss of the size's curve is this many times that of the rate's "
                      "curve (read between its "
                      "points): " +
                          listed + ".");
  Figure figure{"problem4_rate_over_size", "Both sweeps against the ratio of rate to batch size",
                "The same losses as above, over learning rate / batch size. Doubling the batch does what halving the rate does, "
                "until the batches "
                "are so large that a few updates are all there is. The sizes cover the left slope only: 64 was the smallest.",
                720, 400};
  figure.data("rates", rate_rows).data("sizes", size_rows);
  figure << "set logscale xy\nset format x '10^{%T}'\nset xlabel 'learning rate / batch size'\nset ylabel 'training loss of the "
            "last epoch'\n"
            "set key bottom left\nplot $rates using 1:2 with linespoints lt 1 title 'rates, batch 64', "
            "$sizes using 1:2 with linespoints lt 2 title 'sizes 64 to 8192, rate 0.1'";
  lab.results.figure(figure);
}

void report_sizes(Lab& lab, const Sweep& sweep) {
  report_sweep(lab, sweep, "batch_size_sweep", "size", "problem4_sizes",
               "Batch sizes, SGD 0.1, " + std::to_string(lab.sweep_epochs) + " epochs: the last epoch");
  if (examples::interrupted()) return;
  const auto low = static_cast<Index>(at_lowest(sweep)), high = static_cast<Index>(at_highest(sweep));
  const Range range = choose_sizes(sweep);
  const Json& theirs = lab.published["batch_size_choice"];
  lab.results.table("problem4_size_choice", "The sizes to cycle through",
                    {{"", "min", "max"},
                     {"published", theirs["min"].dump(), theirs["max"].dump()},
                     {"lowest and highest loss of our sweep", std::to_string(low), std::to_string(high)},
                     {"lowest loss, and the largest size within " + fixed(worth_taking, 1) + " times of it",
                      std::to_string(range.min), std::to_string(range.max)}});
  if (lab.options.wants(Form::published)) lab.results.at(Form::published, 0)["batch_size_choice"] = {{"min", low}, {"max", high}};
  if (lab.options.wants(Form::corrected))
    lab.results.at(Form::corrected, 0)["batch_size_choice"] = {{"min", range.min}, {"max", range.max}};
  draw_sweep(lab, sweep,
             {"problem4_sizes", "Training loss against batch size",
              "Eight trainings of five epochs that differ in the batch size alone. The larger the batches, the fewer the "
              "updates, from 4690 down to 40, "
              "and the higher the loss.",
              720, 400},
             "batch size", "set xrange [45:11600]\nset xtics (64, 128, 256, 512, 1024, 2048, 4096, 8192)");
}

// 4.3: cyclic learning rate ---------------------------------------------------------------------------------------------

/// The published one: names swapped, so that the cycle starts above and falls.
CyclicLR published_cycle() {
  return {.base = 0.1, .max = 1e-9, .step_size = 1000, .mode = CycleMode::exp_range, .gamma = 0.99994};
}
Plan published_rate_plan(const Lab& lab) { return {.name = "4.3 as published", .rate = published_cycle(), .epochs = lab.epochs}; }

struct Policy {
  std::string name;
  CycleMode mode;
};
const std::vector<Policy> policies{
    {"triangular", CycleMode::triangular}, {"triangular2", CycleMode::triangular2}, {"exp_range", CycleMode::exp_range}};

Index updates_in(const Lab& lab, Index epochs) { return epochs * ((lab.data.train.size() + batch - 1) / batch); }

struct Edges {
  double base, max;
};
Edges edges(Lab& lab) {
  std::vector<double> bases, maxima;
  for (const RangeTest& test : lab.range_tests()) bases.push_back(test.base), maxima.push_back(test.max);
  return {examples::median(bases), examples::median(maxima)};
}

/// Two whole cycles in `updates`, so that the training ends at the base. Over five epochs the step size is 1.25 epochs, below the
/// advised 2 to 8: with those there would be but one cycle, and triangular2 would be triangular.
CyclicLR corrected_cycle(Lab& lab, CycleMode mode, Index updates) {
  const Edges found = edges(lab);
  return {
      .base = found.base, .max = found.max, .step_size = std::max<Index>(1, (updates + 2) / 4), .mode = mode, .gamma = 0.99994};
}
Plan corrected_rate_plan(Lab& lab, const Policy& policy) {
  return {.name = "CyclicLR, " + policy.name,
          .rate = corrected_cycle(lab, policy.mode, updates_in(lab, lab.epochs)),
          .epochs = lab.epochs};
}

/// Loss and accuracy by epoch, training and test, of several kinds of run; crosses for the published one.
struct Curve {
  std::string title;
  Runs runs;
};
void draw_epochs(Lab& lab, Figure figure, const std::vector<Curve>& curves, const Json& published = Json::array()) {
  figure << "set multiplot layout 1,2\nset xlabel 'epoch'\nset xtics 1\nset style fill transparent solid 0.18 noborder\n"
            "set key outside bottom center horizontal maxcols 2 font ',11'";
  std::vector<std::vector<double>> crosses;
  for (const Json& epoch : published)
    crosses.push_back({static_cast<double>(crosses.size() + 1), epoch["loss"], epoch["val_loss"],
                       100 * epoch["accuracy"].get<double>(), 100 * epoch["val_accuracy"].get<double>()});
  if (!crosses.empty()) figure.data("published", crosses);
  for (const bool accuracy : {false, true}) {
    std::string plot;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      const std::string block = (accuracy ? "accuracy" : "loss") + std::to_string(i);
      const bool one = curves.size() == 1;
      figure.data(block + "train", by_epoch(curves[i].runs, accuracy ? training_accuracy : training_loss));
      figure.data(block + "test", by_epoch(curves[i].runs, accuracy ? validation_accuracy : validation_loss));
      const int colour = static_cast<int>(i) + 1;
      plot += (plot.empty() ? "" : ", ") +
              band(block + "train", one ? 1 : colour, curves[i].title + ", training", one ? "" : "dt 2 lw 1") + ", " +
              band(block + "test", one ? 2 : colour, curves[i].title + ", test");
    }
    if (!crosses.empty())
      plot += std::string{", $published using 1:"} + (accuracy ? "4" : "2") +
              " with points lt 1 pt 2 ps 1 title 'published, training', $published using 1:" + (accuracy ? "5" : "3") +
              " with points lt 2 pt 2 ps 1 title 'published, test'";
    figure << "set ylabel '" + std::string{accuracy ? "accuracy in %" : "loss"} + "'\nplot " + plot;
  }
  figure << "unset multiplot";
  lab.results.figure(figure);
}

Json cyclic_rate_tree(const Run& run) {
  return {{"epochs", examples::to_json(run.history)}, {"accuracy_six_digits", accuracies(run)}};
}

/// The rates that were used, as [iteration, rate], every 50th.
Json sampled_rates(const Run& run, Index stride) {
  Json sampled = Json::array();
  for (const StepInfo& step : run.history.steps)
    if (step.iteration % stride == 0) sampled.push_back({step.iteration, step.learning_rate});
  return sampled;
}

void report_published_rate_cycle(Lab& lab) {
  const Runs runs = lab.train(published_rate_plan(lab), lab.published_repeats);
  if (runs.empty()) return;
  const Json& theirs = lab.published["cyclic_lr"]["epochs"];
  std::vector<Agreement> rows;
  for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
    Json& tree = lab.results.at(Form::published, static_cast<int>(repeat))["cyclic_lr"];
    tree = cyclic_rate_tree(*runs[repeat]);
    tree["learning_rates"] = sampled_rates(*runs[repeat], 50);
    tree["seconds"] = runs[repeat]->seconds;
    tree["test_accuracy_renewed"] = renewed_accuracy(*runs[repeat]);
  }
  for (std::size_t epoch = 0; epoch < runs[0]->history.epochs.size() && epoch < theirs.size(); ++epoch) {
    const std::string where = "4.3, epoch " + std::to_string(epoch + 1) + ", ";
    const auto add = [&](const std::string& figure, const std::string& key, auto value) {
      rows.push_back(Agreement::of_runs(where + figure, theirs[epoch][key],
                                        all(runs, [&](const Run& run) { return value(run.history.epochs[epoch]); }), 4));
    };
    add("training loss", "loss", training_loss);
    add("training accuracy", "accuracy", [](const EpochRecord& e) { return *e.training.accuracy; });
    add("test loss", "val_loss", validation_loss);
    add("test accuracy", "val_accuracy", [](const EpochRecord& e) { return *e.validation->accuracy; });
  }
  lab.results.agreement("problem4_cyclic_lr", "Cyclic learning rate as published, by epoch", rows);
  draw_epochs(lab,
              {"problem4_cyclic_lr", "Cyclic learning rate as published: loss and accuracy",
               "Median over our runs, with the smallest and largest value around it; crosses are the published run. Test figures "
               "swing with the "
               "rate: they are poor in epochs that end near 0.1 and good in those that end near its low.",
               760, 430},
              {{"ours", runs}}, theirs);

  double first = INFINITY, last = INFINITY, sum = 0;
  const auto& steps = runs[0]->history.steps;
  for (const StepInfo& step : steps) {
    sum += step.learning_rate;
    (step.iteration < 2000 ? first : last) = std::min(step.iteration < 2000 ? first : last, step.learning_rate);
  }
  if (std::isfinite(last))
    lab.results.finding(
        "swapped_edges",
        "With the edges swapped the rate starts at its highest, 0.1, and exp_range draws it back to there: its lowest value is " +
            fixed(first, 4) + " in the first cycle and " + fixed(last, 4) + " later, its mean " +
            fixed(sum / static_cast<double>(steps.size()), 3) + ", its last value " + fixed(steps.back().learning_rate, 3) +
            ". It calms down less and less, where it should more and more.");
}

void report_range_test(Lab& lab) {
  const std::vector<RangeTest>& tests = lab.range_tests();
  const Edges found = edges(lab);
  Rows rows{{"seed", "base", "max", "steps", "ended"}};
  for (std::size_t i = 0; i < tests.size(); ++i) {
    rows.push_back({std::to_string(lab.options.seed + i), power(tests[i].base, 1), power(tests[i].max, 1),
                    std::to_string(tests[i].points.size()), tests[i].diverged ? "the loss grew" : "at the highest rate"});
    lab.results.at(Form::corrected, static_cast<int>(i))["range_test"] = {
        {"base", tests[i].base}, {"max", tests[i].max}, {"steps", tests[i].points.size()}};
  }
  lab.results.table("problem4_range_test", "Learning-rate range test: edges for the cycle", rows);
  lab.results.finding("range_edges",
                      "The range test puts the lower edge at " + power(found.base, 1) + " and the upper one at " +
                          power(found.max, 1) +
                          (tests.size() > 1 ? ", in the median of " + std::to_string(tests.size()) + " seeds" : "") + ", after " +
                          std::to_string(tests[0].points.size()) + " updates; the sweep needed " +
                          std::to_string(rates.size() * static_cast<std::size_t>(updates_in(lab, lab.sweep_epochs))) + ".");
  Figure figure{"problem4_range_test", "Learning-rate range test",
                "One pass over the training images while the rate grows by a constant factor from batch to batch: loss of each "
                "batch, and its "
                "running mean. The lower edge is where the mean has begun to fall, the upper one where it stops falling (both "
                "corrected for "
                "the lag of the mean).",
                720, 400};
  std::vector<std::vector<double>> points;
  for (const auto& point : tests[0].points) points.push_back({point.learning_rate, point.loss, point.smoothed});
  figure.data("points", points);
  figure.data("edges", {{tests[0].base, 0.1}, {tests[0].base, 10}, {}, {tests[0].max, 0.1}, {tests[0].max, 10}});
  figure << "set logscale xy\nset format x '10^{%T}'\nset yrange [0.3:6]\nset xlabel 'learning rate'\nset ylabel 'loss of the "
            "batch'\n"
            "set key bottom left\nplot $points using 1:2 with points lt 5 pt 7 ps 0.25 title 'batch', $points using 1:3 with "
            "lines lt 1 title "
            "'running mean', $edges using 1:2 with lines lt 2 dt 2 title 'edges'";
  lab.results.figure(figure);
}

void report_corrected_rate_cycles(Lab& lab) {
  report_range_test(lab);
  std::vector<Curve> curves;
  std::vector<std::vector<double>> losses;
  for (const Policy& policy : policies) {
    const bool compared = policy.mode == CycleMode::triangular;
    const Plan plan = corrected_rate_plan(lab, policy);
    const Runs runs = lab.train(plan, compared ? lab.compared_repeats : lab.other_repeats);
    if (runs.empty()) return;
    const CyclicLR cycle = corrected_cycle(lab, policy.mode, updates_in(lab, lab.epochs));
    for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
      Json& tree = lab.results.at(Form::corrected, static_cast<int>(repeat))["cyclic_lr"];
      Json found = cyclic_rate_tree(*runs[repeat]);
      found.update(test_figures(*runs[repeat]));
      if (compared) {
        tree = found;
        tree["base"] = cycle.base, tree["max"] = cycle.max, tree["step_size"] = cycle.step_size;
        tree["learning_rates"] = sampled_rates(*runs[repeat], 50);
      }
      tree["policies"][policy.name] = found;
    }
    curves.push_back({policy.name, runs});
    losses.push_back(all(runs, test_loss));
  }
  draw_epochs(lab,
              {"problem4_cyclic_lr_corrected", "Cyclic learning rate with edges from the range test",
               "Two cycles in five epochs; test figures as full lines, training figures dashed. After 2.5 epochs and at the end "
               "the rate is at its low; "
               "in between it is high again and the loss rests.",
               760, 460},
              curves);
  std::string listed;
  for (std::size_t i = 0; i < curves.size(); ++i)
    listed += (i ? ", " : "") + curves[i].title + ' ' + fixed(examples::median(losses[i]), 4);
  lab.results.finding("rate_policies", "Test loss after the last epoch: " + listed + " (median). " +
                                           compared("The test loss", "triangular2", losses[1], "triangular", losses[0]) + ' ' +
                                           compared("The test loss", "exp_range", losses[2], "triangular", losses[0]));
  const Runs steady = lab.train(constant(sgd_rate, batch, lab.sweep_epochs), lab.sweep_repeats);
  if (lab.sweep_epochs == lab.epochs && !steady.empty())
    lab.results.finding("cycle_or_constant", compared("The test loss", "the corrected cycle", losses[0], "the constant rate 0.1",
                                                      all(steady, test_loss)));
  if (lab.options.wants(Form::published)) {
    const Runs published = lab.train(published_rate_plan(lab), lab.published_repeats);
    if (published.empty()) return;
    lab.results.finding(
        "corrected_or_swapped",
        compared("The test loss", "the corrected cycle", losses[0], "the published one", all(published, test_loss)) + ' ' +
            compared("The test accuracy", "the corrected cycle", all(curves[0].runs, test_accuracy), "the published one",
                     all(published, test_accuracy)));
  }
}

/// The rates of the whole training by iteration: as published, and the three corrected policies.
void draw_rates(Lab& lab) {
  const Index updates = updates_in(lab, lab.epochs), stride = std::max<Index>(1, updates / 300);
  std::vector<LearningRate> schedules{published_cycle()};
  if (lab.options.wants(Form::corrected))
    for (const Policy& policy : policies) schedules.push_back(corrected_cycle(lab, policy.mode, updates));
  std::vector<std::vector<double>> rows, drawn;
  for (Index i = 0; i < updates; ++i) {
    std::vector<double> row{static_cast<double>(i)};
    for (const LearningRate& schedule : schedules) row.push_back(schedule(i));
    if (i % stride == 0) drawn.push_back(row);
    rows.push_back(std::move(row));
  }
  lab.results.data("problem4_learning_rates", {"iteration", "published", "triangular", "triangular2", "exp_range"}, rows);
  Figure figure{"problem4_rate_schedules", "Learning rate by update",
                "As published the cycle begins at the top, since base and max are swapped, and exp_range shrinks it towards the "
                "top. Corrected, "
                "it begins and ends at the low edge, and triangular2 and exp_range lower the second peak.",
                760, 380};
  figure.data("rates", drawn);
  figure
      << "set multiplot layout 1,2\nset xlabel 'update'\nset ylabel 'learning rate'\nset yrange [0:*]\nset xtics rotate by -45\n"
         "set key outside bottom center horizontal maxcols 3\nset title 'published'\n"
         "plot $rates using 1:2 with lines lt 2 title 'exp_range, edges swapped'";
  if (schedules.size() > 1)
    figure << "set title 'corrected'\nplot $rates using 1:3 with lines lt 1 title 'triangular', $rates using 1:4 with lines lt 3 "
              "title 'triangular2', "
              "$rates using 1:5 with lines lt 4 dt 2 title 'exp\\_range'";
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// 4.5: cyclic batch size ------------------------------------------------------------------------------------------------

/// The published rule. Its maximum doubles without end; once it passes the number of images no step can be made any more, so here it
/// stops before. In five epochs it does not come so far.
DoublingBatchSize published_sizes(Index images) {
  return {.min = 64, .max = 512, .limit = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(images)))};
}

/// The sizes that the rule gives, by epoch, without any training.
std::vector<std::vector<Index>> trace_of_rule(Index images, Index epochs) {
  const DoublingBatchSize sizes_by_step = published_sizes(images);
  std::vector<std::vector<Index>> trace(static_cast<std::size_t>(epochs));
  Index iteration = 0;
  for (Index epoch = 0; epoch < epochs; ++epoch)
    for (Index first = 0, size; first + (size = sizes_by_step(Progress{iteration, epoch})) <= images; first += size, ++iteration)
      trace[static_cast<std::size_t>(epoch)].push_back(size);
  return trace;
}

/// Sizes in the closed form of the cyclic rate. What counts is the rate over the size, so the base, where a cycle begins and ends and
/// to which triangular2 and exp_range shrink it, is the large size; with `rising` it is the small one. Never more than a 16th of the
/// images, so that an epoch has at least 16 updates. Two cycles in so many images, or in so many updates.
CyclicBatchSize corrected_sizes(Lab& lab, CycleMode mode, bool rising = false, Index updates = 0) {
  const Range range = choose_sizes(sweep_sizes(lab));
  CyclicBatchSize cycle{.base = rising ? range.min : range.max,
                        .max = rising ? range.max : range.min,
                        .mode = mode,
                        .cap = lab.data.train.size() / 16};
  const Index images = lab.epochs * lab.data.train.size();
  // As much smaller at the end as that of the rate, which makes more updates.
  const double steps =
      updates ? static_cast<double>(updates) : 2.0 * static_cast<double>(images) / static_cast<double>(range.min + range.max);
  cycle.gamma = std::pow(0.99994, static_cast<double>(updates_in(lab, lab.epochs)) / steps);
  if (updates) {
    cycle.step_size = std::max<Index>(1, updates / 4);
    return cycle;
  }
  for (cycle.step_size = 1;; ++cycle.step_size) {
    Index seen = 0;
    for (Index i = 0; i < 4 * cycle.step_size; ++i) seen += cycle(Progress{i, 0});
    if (seen >= images) return cycle;
  }
}
Plan corrected_size_plan(Lab& lab, const Policy& policy, bool rising = false) {
  return {.name = "CyclicBatchSize, " + policy.name + (rising ? ", rising" : ""),
          .size = corrected_sizes(lab, policy.mode, rising),
          .epochs = lab.epochs,
          .drop_last = true};
}
Plan published_size_plan(const Lab& lab) {
  return {.name = "4.6 as published", .size = published_sizes(lab.data.train.size()), .epochs = lab.epochs, .by_hand = true};
}

std::string counts_of(const std::vector<std::vector<Index>>& trace) {
  std::string text;
  for (std::size_t epoch = 0; epoch < trace.size(); ++epoch)
    text += (epoch == 0 ? "" : epoch + 1 == trace.size() ? " and " : ", ") + std::to_string(trace[epoch].size());
  return text;
}
/// Whether it is the published trace, as far as both go.
bool as_published(const Lab& lab, const std::vector<std::vector<Index>>& trace) {
  const auto theirs = lab.published["cyclic_batch_size"]["trace"].get<std::vector<std::vector<Index>>>();
  const std::size_t epochs = std::min(theirs.size(), trace.size());
  return std::equal(theirs.begin(), theirs.begin() + static_cast<std::ptrdiff_t>(epochs), trace.begin());
}

constexpr Index all_images = 60000;

void report_size_rule(Lab& lab) {
  const auto trace = trace_of_rule(all_images, lab.epochs);
  Rows rows{{"epoch", "batches", "images", "largest batch", "published batches"}};
  const Json& theirs = lab.published["cyclic_batch_size"]["trace"];
  std::vector<std::vector<double>> points;
  for (std::size_t epoch = 0; epoch < trace.size(); ++epoch) {
    Index images = 0;
    for (const Index size : trace[epoch]) {
      images += size;
      points.push_back({static_cast<double>(points.size()), static_cast<double>(size), static_cast<double>(epoch + 1)});
    }
    rows.push_back({std::to_string(epoch + 1), std::to_string(trace[epoch].size()), std::to_string(images),
                    std::to_string(*std::max_element(trace[epoch].begin(), trace[epoch].end())),
                    epoch < theirs.size() ? std::to_string(theirs[epoch].size()) : "-"});
  }
  lab.results.table("problem4_size_rule", "The published rule on 60000 images: batches by epoch", rows);
  lab.results.finding("rule_trace", std::string{"The schedule alone gives "} + counts_of(trace) + " batches, " +
                                        (as_published(lab, trace) ? "size by size the published sequence."
                                                                  : "which is not the published sequence."));
  lab.results.data("problem4_batch_sizes", {"update", "size", "epoch"}, points);

  Figure figure{"problem4_size_schedules", "Batch size by update",
                "Left: the published rule, logarithmic; colours tell the epochs apart. Its maximum doubles with every cycle, up "
                "to 32768, more than "
                "half of the images. Right: the closed form, between the sizes that the sweep recommends.",
                760, 390};
  figure.data("published", points);
  figure << "set multiplot layout 1,2\nset xlabel 'update'\nset ylabel 'batch size'\nset logscale y 2\nset yrange [48:48000]\n"
            "set ytics (64, 256, 1024, 4096, 16384, 32768)\nset title 'published'\nset key outside bottom center horizontal\n"
            "plot $published using 1:2 with lines lc rgb '#909090' lw 1 notitle, for [e=1:5] $published using 1:($3==e ? $2 : "
            "NaN) with points lt e pt 7 "
            "ps 0.45 title 'epoch '.e";
  if (lab.options.wants(Form::corrected)) {
    std::vector<std::vector<double>> closed;
    std::vector<CyclicBatchSize> cycles;
    for (const Policy& policy : policies) cycles.push_back(corrected_sizes(lab, policy.mode));
    cycles.push_back(corrected_sizes(lab, CycleMode::triangular, true));
    std::vector<Index> left(cycles.size(), lab.epochs * lab.data.train.size());  // images that each has still to see
    for (Index i = 0; *std::max_element(left.begin(), left.end()) > 0; ++i) {
      std::vector<double> row{static_cast<double>(i)};
      for (std::size_t k = 0; k < cycles.size(); ++k) {
        const Index size = cycles[k](Progress{i, 0});
        row.push_back(left[k] > 0 ? static_cast<double>(size) : NAN);
        left[k] -= size;
      }
      closed.push_back(row);
    }
    figure.data("closed", closed);
    figure << "unset logscale\nset yrange [0:*]\nset ytics auto\nset title 'corrected'\nset key outside bottom center horizontal "
              "maxcols 2\n"
              "plot $closed using 1:2 with lines lt 1 title 'triangular', $closed using 1:3 with lines lt 3 title 'triangular2', "
              "$closed using 1:4 with lines lt 4 dt 2 title 'exp\\_range', $closed using 1:5 with lines lt 2 title 'triangular, "
              "rising'";
  }
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// 4.6 -------------------------------------------------------------------------------------------------------------------

void report_published_size_cycle(Lab& lab) {
  const Runs runs = lab.train(published_size_plan(lab), lab.published_repeats);
  if (runs.empty()) return;
  const Json& theirs = lab.published["cyclic_batch_size"];
  const bool full = lab.data.train.size() == all_images;
  const auto taken = trace_of(*runs[0]);
  for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
    const Run& run = *runs[repeat];
    Json kept = Json::array(), tested = Json::array();
    Index updates = 0;
    for (const EpochRecord& epoch : run.history.epochs) {
      kept.push_back(std::pow(momentum, static_cast<double>(updates += epoch.steps)));
      tested.push_back(*epoch.validation->accuracy);
    }
    // A quick run trains on a sample, where the sizes are others.
    lab.results.at(Form::published, static_cast<int>(repeat))["cyclic_batch_size"] = {
        {"accuracy_by_epoch", accuracies(run)},
        {"trace", full ? trace_of(run) : trace_of_rule(all_images, lab.epochs)},
        {"trace_from", full ? "the steps taken" : "the schedule alone"},
        {"correct_of_seen", correct_of_seen(run)},
        {"test_accuracy_by_epoch", tested},
        {"share_of_initial_statistics_by_epoch", kept},
        {"moving_mean_by_epoch", run.moving_mean},
        {"test_accuracy_renewed", renewed_accuracy(run)},
        {"updates", run.updates},
        {"seconds", run.seconds}};
  }
  std::vector<Agreement> rows;
  for (std::size_t epoch = 0; epoch < runs[0]->history.epochs.size() && epoch < theirs["accuracy_by_epoch"].size(); ++epoch)
    rows.push_back(
        Agreement::of_runs("4.6, epoch " + std::to_string(epoch + 1) + ", training accuracy", theirs["accuracy_by_epoch"][epoch],
                           all(runs, [&](const Run& run) { return *run.history.epochs[epoch].training.accuracy; }), 4));
  lab.results.agreement("problem4_cyclic_batch_size", "Cyclic batch size as published, by epoch", rows);
  if (full)
    lab.results.finding("trace_taken",
                        "The batches that the training took, " + counts_of(taken) + " in its epochs, " +
                            (as_published(lab, taken) ? "are one by one the published ones." : "are not the published ones."));
  else
    lab.results.finding("trace_taken",
                        "In a quick run the training takes other batches, since its images are a sample; the sequence above is "
                        "the schedule's alone.");

  const Run& first = *runs[0];
  Rows lag{
      {"epoch", "updates so far", "share of the start left", "moving mean of the pixels", "training accuracy", "test accuracy"}};
  Index updates = 0, most = 0;
  for (std::size_t epoch = 0; epoch < first.history.epochs.size(); ++epoch) {
    const EpochRecord& record = first.history.epochs[epoch];
    updates += record.steps;
    most = std::max(most, record.training.samples);
    lag.push_back({std::to_string(epoch + 1), std::to_string(updates),
                   examples::percent(std::pow(momentum, static_cast<double>(updates))), fixed(first.moving_mean[epoch], 2),
                   fixed(*record.training.accuracy, 4), fixed(*record.validation->accuracy, 4)});
  }
  lab.results.table(
      "problem4_lag",
      "How the moving statistics lag behind (first seed; the mean of all pixels is " + fixed(lab.data.pixel_mean, 2) + ")", lag);
  const double share = std::pow(momentum, static_cast<double>(updates));
  lab.results.finding("statistics_lag",
                      "After " + std::to_string(updates) + " updates the moving statistics still hold " +
                          examples::percent(share) +
                          " of what they began with: the batch norm at the input believes that pixels have a mean of " +
                          fixed(first.moving_mean.back(), 1) + ", where it is " + fixed(lab.data.pixel_mean, 1) + " (" +
                          fixed((1 - share) * lab.data.pixel_mean, 1) + " by the formula).");
  lab.results.finding("renewed", "Measured anew, with the weights held still, the statistics take the test accuracy from " +
                                     fixed(examples::median(all(runs, test_accuracy)), 4) + " to " +
                                     fixed(examples::median(all(runs, renewed_accuracy)), 4) + " (medians of " +
                                     std::to_string(runs.size()) + (runs.size() == 1 ? " run)." : " runs)."));
  lab.results.finding("never_seen",
                      std::to_string(lab.data.train.size() - most) + " of the " + std::to_string(lab.data.train.size()) +
                          " images are never trained on: the order is always the same, and no epoch comes further.");

  Figure figure{
      "problem4_cyclic_batch_size", "Cyclic batch size as published: accuracy by epoch",
      "Training accuracy as published and ours. The published run shows no test accuracy; ours lies far below the training "
      "accuracy, because "
      "the moving statistics lag. With statistics measured anew (square) the same weights are nearly as good on the test images.",
      720, 410};
  std::vector<std::vector<double>> crosses;
  for (const Json& value : theirs["accuracy_by_epoch"])
    crosses.push_back({static_cast<double>(crosses.size() + 1), 100 * value.get<double>()});
  figure.data("training", by_epoch(runs, training_accuracy))
      .data("test", by_epoch(runs, validation_accuracy))
      .data("published", crosses);
  figure.data("renewed", {{static_cast<double>(lab.epochs), 100 * examples::median(all(runs, renewed_accuracy))}});
  figure << "set xlabel 'epoch'\nset ylabel 'accuracy in %'\nset xtics 1\nset xrange [0.8:" + std::to_string(lab.epochs) +
                ".2]\nset style fill transparent solid 0.2 noborder\nset key bottom right\nplot " +
                band("training", 1, "training") + ", " + band("test", 2, "test, moving statistics as they are") +
                ", $renewed using 1:2 with points lt 2 pt 5 ps 1.1 title 'test, statistics measured anew', "
                "$published using 1:2 with points lt 1 pt 2 ps 1.1 title 'training, published'";
  lab.results.figure(figure);
}

/// A row of the table of all kinds of training.
struct Arm {
  std::string label;
  Runs runs;
};
void add_row(Rows& rows, const Arm& arm) {
  if (arm.runs.empty()) return;
  rows.push_back(
      {arm.label, fixed(examples::median(all(arm.runs, [](const Run& r) { return static_cast<double>(r.updates); })), 0),
       fixed(examples::median(all(arm.runs, [](const Run& r) { return static_cast<double>(r.seen) / 1000; })), 0),
       fixed(examples::median(all(arm.runs, seconds_of)), 1), middle(all(arm.runs, test_loss), 4),
       middle(all(arm.runs, test_accuracy), 4), middle(all(arm.runs, renewed_accuracy), 4), std::to_string(arm.runs.size())});
}

/// The two cycles at equal epochs, equal updates and equal time. Each budget has its own cycles, which end with it.
void compare_cycles(Lab& lab) {
  const Policy& triangular = policies[0];
  const Plan rate_plan = corrected_rate_plan(lab, triangular), size_plan = corrected_size_plan(lab, triangular);
  Runs by_rate, by_size;
  for (int repeat = 1; repeat <= lab.compared_repeats; ++repeat)  // in turns, so that a busy machine slows both alike
    by_rate = lab.train(rate_plan, repeat), by_size = lab.train(size_plan, repeat);
  if (by_rate.empty() || by_size.empty()) return;
  const Index updates = by_size[0]->updates;
  const Runs few_updates = lab.train({.name = "CyclicLR, triangular, " + std::to_string(updates) + " updates",
                                      .rate = corrected_cycle(lab, triangular.mode, updates),
                                      .steps = updates},
                                     lab.compared_repeats);
  const double time = examples::median(all(by_rate, seconds_of));
  const auto in_time =
      static_cast<Index>(std::lround(static_cast<double>(updates) * time / examples::median(all(by_size, seconds_of))));
  const Runs same_time = lab.train({.name = "CyclicBatchSize, triangular, " + std::to_string(in_time) + " updates",
                                    .size = corrected_sizes(lab, triangular.mode, false, in_time),
                                    .steps = in_time,
                                    .drop_last = true,
                                    .timed = true},
                                   lab.compared_repeats);
  if (examples::interrupted()) return;

  Rows rows{{"training", "updates", "thousand images", "seconds", "test loss", "test accuracy", "statistics anew", "runs"}};
  if (lab.sweep_epochs == lab.epochs)
    add_row(rows, {"constant, rate 0.1, size 64", lab.train(constant(sgd_rate, batch, lab.sweep_epochs), lab.sweep_repeats)});
  if (lab.options.wants(Form::published)) {
    add_row(rows, {"4.3 as published", lab.train(published_rate_plan(lab), lab.published_repeats)});
    add_row(rows, {"4.6 as published", lab.train(published_size_plan(lab), lab.published_repeats)});
  }
  for (const Policy& policy : policies)
    add_row(rows, {"cyclic rate, " + policy.name,
                   policy.mode == triangular.mode ? by_rate : lab.train(corrected_rate_plan(lab, policy), lab.other_repeats)});
  Runs rising;
  for (const Policy& policy : policies) {
    const Runs runs = policy.mode == triangular.mode ? by_size : lab.train(corrected_size_plan(lab, policy), lab.other_repeats);
    add_row(rows, {"cyclic size, " + policy.name, runs});
    for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
      Json& tree = lab.results.at(Form::corrected, static_cast<int>(repeat))["cyclic_batch_size"];
      Json found = test_figures(*runs[repeat]);
      found.update({{"accuracy_by_epoch", accuracies(*runs[repeat])},
                    {"correct_of_seen", correct_of_seen(*runs[repeat])},
                    {"epochs", examples::to_json(runs[repeat]->history)}});
      if (policy.mode == triangular.mode) {
        tree = found;
        tree["trace"] = trace_of(*runs[repeat]);
      }
      tree["policies"][policy.name] = found;
    }
  }
  rising = lab.train(corrected_size_plan(lab, triangular, true), lab.other_repeats);
  add_row(rows, {"cyclic size, triangular, rising", rising});
  add_row(rows, {"cyclic rate, equal updates", few_updates});
  add_row(rows, {"cyclic size, equal time", same_time});
  lab.results.table("problem4_comparison", "All kinds of training: median, and deviation where there are several runs", rows);

  struct Budget {
    std::string key, words;
    Runs rate, size;
  };
  const std::vector<Budget> budgets{{"equal_epochs", "At equal epochs", by_rate, by_size},
                                    {"equal_updates", "At equal updates", few_updates, by_size},
                                    {"equal_time", "In equal time", by_rate, same_time}};
  std::vector<std::vector<double>> dots[2];
  for (std::size_t b = 0; b < budgets.size(); ++b) {
    const Budget& budget = budgets[b];
    for (std::size_t repeat = 0; repeat < budget.rate.size(); ++repeat)
      lab.results.at(Form::corrected, static_cast<int>(repeat))["comparison"][budget.key] = {
          {"cyclic_lr", test_figures(*budget.rate[repeat])}, {"cyclic_batch_size", test_figures(*budget.size[repeat])}};
    lab.results.finding(budget.key, budget.words + ": " +
                                        compared("the test loss", "the cyclic rate", all(budget.rate, renewed_loss),
                                                 "the cyclic batch size", all(budget.size, renewed_loss)) +
                                        " Statistics measured anew; " + std::to_string(budget.rate[0]->updates) + " updates on " +
                                        std::to_string(budget.rate[0]->seen / 1000) + " thousand images against " +
                                        std::to_string(budget.size[0]->updates) + " on " +
                                        std::to_string(budget.size[0]->seen / 1000) + " thousand.");
    for (const int kind : {0, 1})
      for (const Run* run : kind ? budget.size : budget.rate)
        dots[kind].push_back({static_cast<double>(b + 1) + (kind ? 0.12 : -0.12), run->test.loss, run->renewed.loss});
  }
  if (!rising.empty())
    lab.results.finding("direction",
                        compared("The test loss", "the cycle of sizes that begins and ends small", all(rising, renewed_loss),
                                 "the one that begins and ends large", all(by_size, renewed_loss)));
  Figure figure{"problem4_comparison", "Cyclic rate against cyclic batch size",
                "One mark for each run, filled with statistics measured anew, open with the moving ones as they are. Who wins "
                "depends on what is held "
                "equal: with the same number of updates the larger batches have seen more images, with the same images or time "
                "the small ones have made more updates.",
                720, 410};
  figure.data("rate", dots[0]).data("size", dots[1]);
  figure << "set xrange [0.5:3.5]\nset bmargin 3.5\nset xtics (\"equal epochs\" 1, \"equal updates\" 2, \"equal time\" 3) scale "
            "0\nset ylabel 'test loss'\n"
            "set yrange [0.2:*]\nset key top right\nplot $rate using 1:3 with points lt 1 pt 7 ps 0.8 title 'cyclic rate, batch "
            "64', $rate using ($1+0.05):2 with points lt 1 pt 6 ps 0.7 notitle, "
            "$size using 1:3 with points lt 2 pt 5 ps 0.8 title 'cyclic batch size, rate 0.1', $size using ($1+0.05):2 with "
            "points lt 2 pt 4 ps 0.7 notitle";
  lab.results.figure(figure);
}

/// What in batch size corresponds to a decaying rate: the rate halved after every epoch, or the size doubled.
void compare_decay_and_growth(Lab& lab) {
  const Runs decay = lab.train({.name = "rate halved each epoch",
                                .rate = ByEpoch{[](Index epoch) { return sgd_rate * std::pow(0.5, static_cast<double>(epoch)); }},
                                .epochs = lab.epochs},
                               lab.other_repeats);
  const Runs growth = lab.train({.name = "size doubled each epoch",
                                 .size = ByEpoch{[most = lab.data.train.size() / 2](Index epoch) {
                                   return std::min(most, batch << std::min<Index>(epoch, 30));
                                 }},
                                 .epochs = lab.epochs},
                                lab.other_repeats);
  if (decay.empty() || growth.empty()) return;
  for (std::size_t repeat = 0; repeat < growth.size(); ++repeat) {
    Json& tree = lab.results.at(Form::corrected, static_cast<int>(repeat))["decay_and_growth"];
    tree = {{"rate_halved", test_figures(*decay[repeat])}, {"size_doubled", test_figures(*growth[repeat])}};
    tree["rate_halved"]["epochs"] = examples::to_json(decay[repeat]->history);
    tree["size_doubled"]["epochs"] = examples::to_json(growth[repeat]->history);
  }
  Rows rows{{"training", "updates", "thousand images", "seconds", "test loss", "test accuracy", "statistics anew", "runs"}};
  add_row(rows, {"rate halved each epoch", decay});
  add_row(rows, {"size doubled each epoch", growth});
  lab.results.table("problem4_decay_and_growth", "A rate that decays, and a batch that grows", rows);
  lab.results.finding(
      "decay_or_growth", "The training loss by epoch, with the rate halved or the size doubled after each: " +
                             [&] {
                               std::string text;
                               const auto left = by_epoch(decay, training_loss), right = by_epoch(growth, training_loss);
                               for (std::size_t i = 0; i < left.size(); ++i)
                                 text += (i ? ", " : "") + fixed(left[i][1], 3) + " and " + fixed(right[i][1], 3);
                               return text;
                             }() +
                             "; it takes " + std::to_string(decay[0]->updates) + " updates in the one case and " +
                             std::to_string(growth[0]->updates) + " in the other.");
  Figure figure{"problem4_decay_and_growth", "A decaying rate and a growing batch",
                "Training loss of every epoch: over the epochs (left) the two fall alike; over the updates (right) the growing "
                "batch is there with "
                "fewer.",
                760, 380};
  const auto curve = [&](const Runs& runs) {
    std::vector<std::vector<double>> points;
    Index updates = 0;
    for (const EpochRecord& epoch : runs[0]->history.epochs)
      points.push_back({static_cast<double>(epoch.epoch), epoch.training.loss, epoch.validation->loss,
                        static_cast<double>(updates += epoch.steps)});
    return points;
  };
  figure.data("decay", curve(decay)).data("growth", curve(growth));
  figure << "set multiplot layout 1,2\nset ylabel 'loss'\nset key outside bottom center horizontal maxcols 2";
  for (const std::string column : {"1", "4"})
    figure << std::string{"set xlabel '"} + (column == "1" ? "epoch'\nset xtics 1" : "updates so far'\nset xtics 1000") +
                  "\nplot $decay using " + column + ":2 with linespoints lt 1 dt 2 title 'rate halved, training', $decay using " +
                  column + ":3 with linespoints lt 1 title 'rate halved, test', $growth using " + column +
                  ":2 with linespoints lt 2 dt 2 title 'size doubled, training', $growth using " + column +
                  ":3 with linespoints lt 2 title 'size doubled, test'";
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// -----------------------------------------------------------------------------------------------------------------------

int problem4(const examples::Options& options) {
  Results results{options, "problem4", "Problem 4: learning rate and batch size on Fashion-MNIST, swept and cycled."};
  const Data data = load(options);
  Lab lab{options, results, data};
  const bool published = options.wants(Form::published), corrected = options.wants(Form::corrected);
  results.run_info() = {{"epochs", lab.epochs},
                        {"sweep_epochs", lab.sweep_epochs},
                        {"sweep_repeats", lab.sweep_repeats},
                        {"published_repeats", published ? lab.published_repeats : 0},
                        {"compared_repeats", corrected ? lab.compared_repeats : 0},
                        {"other_repeats", corrected ? lab.other_repeats : 0},
                        {"training_images", data.train.size()},
                        {"test_images", data.test.size()}};
  std::cout << data.train.size() << " training and " << data.test.size() << " test images; trainings of each kind: sweeps "
            << lab.sweep_repeats << ", published cycles " << lab.published_repeats << ", corrected cycles that are compared "
            << lab.compared_repeats << ", other " << lab.other_repeats << ".\n";

  results.part("4.1", "Records, classes and images", [&] { count_and_show(lab); });
  results.part("4.2", "Learning-rate sweep", [&] { report_rates(lab, sweep_rates(lab)); });
  results.part("4.3", "Cyclic learning rate", [&] {
    if (published) report_published_rate_cycle(lab);
    if (corrected) report_corrected_rate_cycles(lab);
    if (!examples::interrupted()) draw_rates(lab);
  });
  results.part("4.4", "Batch-size sweep", [&] {
    const Sweep by_size = sweep_sizes(lab);
    report_sizes(lab, by_size);
    if (!examples::interrupted() && options.wants("4.2")) compare_curves(lab, sweep_rates(lab), by_size);
  });
  results.part("4.5", "Cyclic batch size: the schedule", [&] { report_size_rule(lab); });
  results.part("4.6", "Cyclic batch size: the training", [&] {
    if (published) report_published_size_cycle(lab);
    if (corrected && !examples::interrupted()) compare_cycles(lab);
    if (corrected && !examples::interrupted()) compare_decay_and_growth(lab);
  });
  results.write();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run(argc, argv, "problem4_schedules",
                       "Problem 4 of the assignment: learning rate and batch size on Fashion-MNIST, swept and cycled.", problem4,
                       {"4.1", "4.2", "4.3", "4.4", "4.5", "4.6"});
}
