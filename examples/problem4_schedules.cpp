// SPDX-License-Identifier: MIT
// Problem 4: learning rate and batch size on Fashion-MNIST, swept and cycled.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <iostream>
#include <map>

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
using examples::median;
using examples::Results;
using examples::Rows;
using namespace tarn;
using std::to_string;
using Points = std::vector<std::vector<double>>;  // of a picture

constexpr std::array rates{1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1};
constexpr std::array<Index, 8> sizes{64, 128, 256, 512, 1024, 2048, 4096, 8192};
constexpr double sgd_rate = 0.1;  // where the batch size changes
constexpr Index batch = 64;       // where the rate changes
constexpr Index all_images = 60000;
constexpr double momentum = 0.99;     // of the batch norms' moving statistics
constexpr double gamma_lr = 0.99994;  // of exp_range, as published
constexpr double worth_taking = 1.5;  // a batch size is, while the sweep's loss is at most this many times the lowest
const std::array<std::string, 10> class_names{"T-shirt/top", "trouser", "pullover", "dress", "coat",
                                              "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};

/// As in 1e-9 or 3.6e-5.
std::string power(double value, int decimals = 0) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*e", decimals, value);
  const std::string digits = text;
  return digits.substr(0, digits.find('e') + 1) + to_string(std::stoi(digits.substr(digits.find('e') + 1)));
}

// Data and trainings ----------------------------------------------------------------------------------------------------

struct Data {
  data::TrainTest whole;  // pixels 0 to 255, labels 0 to 9
  Dataset train, test;    // what is trained on: the same with one-hot labels; in a quick run the first of them
  double pixel_mean = 0;  // of the images trained on
};

Data load(const examples::Options& options) {
  Data data;
  data.whole = data::fashion_mnist({.folder = options.data, .scale = 1});
  const Dataset train = options.quick ? data.whole.train.take(0, 1200) : data.whole.train,
                test = options.quick ? data.whole.test.take(0, 300) : data.whole.test;
  data.train = {train.inputs, data::one_hot(train.targets, 10)};
  data.test = {test.inputs, data::one_hot(test.targets, 10)};
  data.pixel_mean = data::Standardizer::fit(train.inputs, {.per = data::Per::whole}).mean()[0];
  return data;
}

/// A training to be made.
struct Plan {
  std::string name;  // tells it from all others
  LearningRate rate = sgd_rate;
  BatchSize size = batch;
  Index epochs = 0, steps = 0;  // one of them
  bool drop_last = false;  // where sizes change, the rest of an epoch may be a few images, and spoil the batch norms' statistics
  bool followed = true;    // tested after each epoch, every step recorded
  bool renewed = true;     // tested with moving statistics measured anew as well
  bool by_hand = false;    // the published loop of 4.6
  bool timed = false;      // its length comes from a clock, so that its weights differ from one time to the next
};

/// What a training gave.
struct Run {
  History history;
  Index updates = 0, seen = 0;  // samples seen
  bool diverged = false;
  double seconds = 0;
  Metrics test, renewed;            // after the last update; and with the moving statistics measured anew
  std::vector<double> moving_mean;  // of the batch norm at the input, by epoch

  const Metrics& last() const { return history.epochs.back().training; }
};
using Runs = std::vector<const Run*>;

template <class D>
Sequential<float, D> normalised_lenet() {
  return examples::lenet<D>({.input_batch_norm = true, .hidden_batch_norm = true});
}

/// Makes trainings, each once: the two forms and the parts share them.
class Lab {
 public:
  Lab(const examples::Options& options_, Results& results_, const Data& data_, const DeviceChoice& device_)
      : options{options_}, results{results_}, data{data_}, device{device_} {}

  const examples::Options& options;
  Results& results;
  const Data& data;
  const DeviceChoice device;
  const Json published = examples::published("problem4");

  // How much is done; --epochs and --repeats change it.
  const Index epochs = options.epochs ? options.epochs : 5;
  const Index sweep_epochs = options.quick && !options.epochs ? 1 : epochs;
  const int sweep_repeats = std::min(options.repeats ? options.repeats : 1, 3);
  const int published_repeats = options.repeats ? options.repeats : options.quick ? 1 : 5;
  const int compared_repeats = options.repeats ? options.repeats : 1;
  bool as_published() const { return epochs == 5 && !options.quick; }
  Index updates_in_epoch() const { return (data.train.size() + batch - 1) / batch; }

  /// Trainings of one kind, a seed each: those that came to their end, or those that diverged. Fewer where Ctrl-C came.
  Runs train(const Plan& plan, int repeats, bool diverged = false) {
    std::deque<Run>& made = runs_[plan.name];
    if (static_cast<int>(made.size()) < repeats)
      device([&](auto chosen) { train_until<decltype(chosen)>(plan, static_cast<std::size_t>(repeats), made); });
    Runs runs;
    for (std::size_t i = 0; i < std::min(made.size(), static_cast<std::size_t>(repeats)); ++i)
      if (made[i].diverged == diverged) runs.push_back(&made[i]);
    return runs;
  }

  /// Three passes over the images with a growing rate, each from other weights: one alone says little about the upper edge.
  const std::vector<RangeTest>& range_tests() {
    const Index steps = options.quick ? 50 : updates_in_epoch();
    while (range_tests_.size() < 3) {
      const std::uint64_t seed = options.seed + range_tests_.size();
      const RangeTestOptions how{.lowest = 1e-5,
                                 .highest = 1,
                                 .steps = steps,
                                 .batch_size = batch,
                                 .smoothing = 1 - 20.0 / static_cast<double>(steps),
                                 .seed = seed};
      range_tests_.push_back(device([&](auto chosen) {
        auto model = normalised_lenet<decltype(chosen)>();
        model.initialize(seed);
        return learning_rate_range_test(model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, data.train, how);
      }));
    }
    return range_tests_;
  }

 private:
  template <class D>
  void train_until(const Plan& plan, std::size_t repeats, std::deque<Run>& made) {
    auto model = normalised_lenet<D>();
    Sequential<float> trained = normalised_lenet<Cpu>();
    Trainer trainer{model,
                    CategoricalCrossEntropy{.from_logits = true},
                    SGD{.learning_rate = plan.rate},
                    {.profile = options.profile(plan.name)}};
    while (made.size() < repeats && !examples::interrupted()) {
      const std::uint64_t seed = options.seed + made.size();
      model.initialize(seed);
      trainer.set_position({.seed = seed});  // a fresh start, in the memory that is there: batches of 32768 images take 3.4 GB
      Run run = train_once(plan, model, trainer);
      if (examples::interrupted()) break;
      report(plan, seed, run);
      examples::copy_values(model, trained);
      if (!plan.timed) results.fingerprint(plan.name + ", seed " + to_string(seed), trained);
      if (plan.renewed && !run.diverged) run.renewed = renew_and_test(model, seed);
      made.push_back(std::move(run));
    }
  }

  template <class D>
  Run train_once(const Plan& plan, const Sequential<float, D>& model, auto& trainer) const {
    Run run;
    const auto epoch_end = [&](const EpochRecord& record) {
      run.moving_mean.push_back(ops::to_host(model.weights("batch_norm/moving_mean"))[0]);
      run.seconds += record.seconds;
      run.seen += record.training.samples;
    };
    FitOptions how{.batch_size = plan.size, .drop_last = plan.drop_last, .record_steps = plan.followed};
    (plan.steps ? how.steps : how.epochs) = plan.steps ? plan.steps : plan.epochs;
    if (plan.followed) how.validation = &data.test;
    how.callbacks = {examples::StopOnInterrupt{}, AtEpochEnd{epoch_end},
                     AtFitEnd{[&](const History& history) { run.history = history; }}};
    try {
      if (plan.by_hand)
        train_as_published(plan, trainer, run.history, epoch_end);
      else
        trainer.fit(data.train, how);
    } catch (const StateError&) {  // the loss is no longer finite
      run.diverged = true;
    }
    run.updates = trainer.iterations();
    if (!examples::interrupted()) run.test = trainer.evaluate(data.test);
    return run;
  }

  /// 4.6 as it was run: batch after batch of the images in their stored order; an epoch ends where the next batch would pass its end.
  void train_as_published(const Plan& plan, auto& trainer, History& history, const auto& epoch_end) const {
    for (Index epoch = 0; epoch < plan.epochs; ++epoch) {
      const auto start = std::chrono::steady_clock::now();
      EpochRecord record;
      record.epoch = epoch + 1;
      trainer.reset_metrics();
      const auto next = [&] { return plan.size(Progress{trainer.iterations(), epoch}); };
      Index first = 0;
      for (Index size = next(); first + size <= data.train.size(); first += size, size = next()) {
        if (examples::interrupted()) return;
        StepInfo step;
        step.epoch = record.epoch, step.iteration = trainer.iterations(), step.batch = size, step.learning_rate = sgd_rate;
        step.loss = trainer.train_on_batch(data.train.take(first, size)).loss;
        step.running = trainer.running_metrics();
        history.steps.push_back(step);
        ++record.steps;
      }
      record.training = trainer.running_metrics();
      record.validation = trainer.evaluate(data.test);
      record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      history.epochs.push_back(record);
      epoch_end(record);
    }
  }

  /// The test figures with moving statistics that had time to settle, since 0.99^300 is 5 %; at a rate of 0 nothing else changes.
  template <class D>
  Metrics renew_and_test(Sequential<float, D>& model, std::uint64_t seed) const {
    Trainer still{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0}, {.seed = seed}};
    still.fit(data.train, {.steps = options.quick ? 30 : 300, .batch_size = 32});
    return still.evaluate(data.test);
  }

  static void report(const Plan& plan, std::uint64_t seed, const Run& run) {
    std::cout << plan.name << ", seed " << seed << ": ";
    if (run.diverged)
      std::cout << "diverged at step " << run.updates << std::endl;
    else
      std::cout << run.updates << " updates, training loss " << fixed(run.last().loss, 4) << ", test accuracy "
                << fixed(*run.test.accuracy, 4) << ", " << fixed(run.seconds, 1) << " s" << std::endl;
  }

  std::map<std::string, std::deque<Run>> runs_;
  std::vector<RangeTest> range_tests_;
};

// What runs are asked for -----------------------------------------------------------------------------------------------

std::vector<double> all(const Runs& runs, double (*figure)(const Run&)) {
  std::vector<double> values;
  for (const Run* run : runs) values.push_back(figure(*run));
  return values;
}
double training_loss(const Run& run) { return run.last().loss; }
double training_accuracy(const Run& run) { return *run.last().accuracy; }
double test_loss(const Run& run) { return run.test.loss; }
double test_accuracy(const Run& run) { return *run.test.accuracy; }
double renewed_loss(const Run& run) { return run.renewed.loss; }
double renewed_accuracy(const Run& run) { return *run.renewed.accuracy; }
double seconds_of(const Run& run) { return run.seconds; }

/// Figures of one epoch, by the keys of the published ones.
const std::vector<std::pair<std::string, double (*)(const EpochRecord&)>> epoch_figures{
    {"loss", [](const EpochRecord& epoch) { return epoch.training.loss; }},
    {"accuracy", [](const EpochRecord& epoch) { return *epoch.training.accuracy; }},
    {"val_loss", [](const EpochRecord& epoch) { return epoch.validation->loss; }},
    {"val_accuracy", [](const EpochRecord& epoch) { return *epoch.validation->accuracy; }}};

std::vector<double> at_epoch(const Runs& runs, std::size_t epoch, const std::string& key) {
  std::vector<double> values;
  for (const auto& [known, figure] : epoch_figures)
    if (known == key)
      for (const Run* run : runs) values.push_back(figure(run->history.epochs[epoch]));
  return values;
}
/// Epoch, median over the runs, smallest and largest value; accuracies in percent.
Points by_epoch(const Runs& runs, const std::string& key) {
  Points points;
  const double unit = key.ends_with("accuracy") ? 100 : 1;
  for (std::size_t epoch = 0; epoch < runs[0]->history.epochs.size(); ++epoch) {
    const auto values = at_epoch(runs, epoch, key);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    points.push_back({static_cast<double>(epoch + 1), unit * median(values), unit * *low, unit * *high});
  }
  return points;
}

/// Sizes of the batches that were trained on, by epoch.
using Trace = std::vector<std::vector<Index>>;
Trace trace_of(const Run& run) {
  Trace trace(run.history.epochs.size());
  for (const StepInfo& step : run.history.steps) trace[static_cast<std::size_t>(step.epoch - 1)].push_back(step.batch);
  return trace;
}

/// A training in the JSON file, with the published figures' keys and some more.
Json tree_of(const Run& run) {
  Json tree{{"epochs", examples::to_json(run.history)},
            {"updates", run.updates},
            {"samples", run.seen},
            {"seconds", run.seconds},
            {"test_loss", run.test.loss},
            {"test_accuracy", test_accuracy(run)},
            {"test_loss_renewed", run.renewed.loss},
            {"test_accuracy_renewed", renewed_accuracy(run)}};
  for (const EpochRecord& epoch : run.history.epochs) {
    const Index seen = epoch.training.samples;
    tree["accuracy_by_epoch"].push_back(*epoch.training.accuracy);
    tree["correct_of_seen"].push_back({std::llround(*epoch.training.accuracy * static_cast<double>(seen)), seen});
  }
  return tree;
}
/// With the rates that were used, as [iteration, rate], every 50th.
Json rate_tree_of(const Run& run) {
  Json tree = tree_of(run);
  tree["accuracy_six_digits"] = tree["accuracy_by_epoch"];
  tree["learning_rates"] = Json::array();
  for (const StepInfo& step : run.history.steps)
    if (step.iteration % 50 == 0) tree["learning_rates"].push_back({step.iteration, step.learning_rate});
  return tree;
}
Json size_tree_of(const Run& run) {
  Json tree = tree_of(run);
  tree["trace"] = trace_of(run);
  return tree;
}

/// The median, and in brackets the standard deviation where there is one.
std::string middle(const std::vector<double>& values, int decimals = 4) {
  const std::string spread = values.size() > 1 ? " (" + fixed(examples::deviation(values), decimals) + ")" : "";
  return fixed(median(values), decimals) + spread;
}

/// Kinds of training in the rows of a table.
const std::vector<std::string> kinds_header{"training",  "updates",       "thousand images", "seconds",
                                            "test loss", "test accuracy", "statistics anew", "runs"};
std::vector<std::string> kind_row(const std::string& name, const Runs& runs) {
  return {name,
          to_string(runs[0]->updates),
          to_string(runs[0]->seen / 1000),
          fixed(median(all(runs, seconds_of)), 1),
          middle(all(runs, test_loss)),
          middle(all(runs, test_accuracy)),
          middle(all(runs, renewed_accuracy)),
          to_string(runs.size())};
}

/// Runs under a name, as in "the cyclic rate".
struct Kind {
  std::string name;
  Runs runs;
};

/// "The test loss of A is lower than that of B (...)", or that the runs do not tell them apart: by the differences of runs that
/// share their seeds.
std::string compared(const std::string& figure, double (*value)(const Run&), const Kind& first, const Kind& second) {
  const examples::Paired pair = examples::paired(all(first.runs, value), all(second.runs, value));
  const std::string both = figure + " of " + first.name + " and of " + second.name,
                    means = fixed(pair.first, 4) + " and " + fixed(pair.second, 4);
  if (pair.runs == 0) return both + " cannot be compared: a training diverged.";
  if (!pair.interval) return both + " (" + means + "): one run each does not rank them.";
  const std::string numbers = " (" + means + " in the mean, 95 % interval of the difference " + fixed(pair.interval->low, 4) +
                              " to " + fixed(pair.interval->high, 4) + ", " + to_string(pair.runs) + " seeds).";
  if (!pair.told_apart()) return both + " are not told apart" + numbers;
  return figure + " of " + first.name + (pair.first_is_higher() ? " is higher than that of " : " is lower than that of ") +
         second.name + numbers;
}

void for_wanted_forms(Lab& lab, int repeat, const std::function<void(Json&)>& fill) {
  for (const Form form : {Form::published, Form::corrected})
    if (lab.options.wants(form)) fill(lab.results.at(form, repeat));
}

// 4.1 -------------------------------------------------------------------------------------------------------------------

void count_and_show(Lab& lab) {
  const auto count = [](const Samples& labels) {
    std::vector<Index> counts(10);
    for (Index i = 0; i < labels.size(); ++i) ++counts[static_cast<std::size_t>(labels.at(i))];
    return counts;
  };
  const auto& [train, test] = lab.data.whole;
  const std::vector<Index> in_train = count(train.targets), in_test = count(test.targets);
  Rows rows{{"class", "name", "training", "test"}};
  for (std::size_t k = 0; k < 10; ++k)
    rows.push_back({to_string(k), class_names[k], to_string(in_train[k]), to_string(in_test[k])});
  rows.push_back({"", "all", to_string(train.size()), to_string(test.size())});
  lab.results.table("problem4_counts", "Images of Fashion-MNIST by class", rows);
  for_wanted_forms(lab, 0, [&](Json& tree) {
    tree["dataset"] = {{"training", train.size()},
                       {"test", test.size()},
                       {"classes", 10},
                       {"training_by_class", in_train},
                       {"test_by_class", in_test}};
  });

  Figure grid{"problem4_images", "Three images of each of the first three classes",
              "A row for each of the classes 0, 1 and 2 with its first three training images, 28 x 28 pixels from 0 (white "
              "here) to 255.",
              480, 500};
  grid << R"(set multiplot layout 3,3 margins 0.01,0.99,0.01,0.94 spacing 0.02,0.07
unset key; unset tics; unset border; unset grid; unset colorbox
set palette defined (0 'white', 1 '#10202c')
set cbrange [0:255]; set size ratio -1; set xrange [-0.5:27.5]; set yrange [27.5:-0.5])";
  for (std::size_t k = 0; k < 3; ++k)
    for (Index image = 0, shown = 0; shown < 3; ++image) {
      if (static_cast<std::size_t>(train.targets.at(image)) != k) continue;
      Points pixels;
      for (Index p = 0; p < 784; ++p)
        pixels.push_back({static_cast<double>(p % 28), static_cast<double>(p / 28), train.inputs.at(image * 784 + p)});
      const std::string block = "image" + to_string(k) + to_string(shown++);
      grid.data(block, pixels);
      grid << "set title '" + to_string(k) + ": " + class_names[k] + "' offset 0,-0.7\nplot $" + block +
                  " using 1:2:3 with image";
    }
  grid << "unset multiplot";
  lab.results.figure(grid);
}

// 4.2 and 4.4: sweeps ---------------------------------------------------------------------------------------------------

Plan constant(const Lab& lab, double rate, Index size) {
  return {.name = "rate " + power(rate) + ", size " + to_string(size),
          .rate = rate,
          .size = size,
          .epochs = lab.sweep_epochs,
          .followed = rate == sgd_rate && size == batch,  // the one that the cycles are compared with
          .renewed = rate == sgd_rate};
}

/// One value of what a sweep varies, with its runs.
struct Swept {
  double value;
  Runs runs, diverged;

  double loss() const { return runs.empty() ? NAN : median(all(runs, training_loss)); }
};
using Sweep = std::vector<Swept>;

Swept swept(Lab& lab, double value, const Plan& plan) {
  return {value, lab.train(plan, lab.sweep_repeats), lab.train(plan, lab.sweep_repeats, true)};
}
Sweep sweep_rates(Lab& lab) {
  Sweep sweep;
  for (const double rate : rates) sweep.push_back(swept(lab, rate, constant(lab, rate, batch)));
  return sweep;
}
Sweep sweep_sizes(Lab& lab) {
  Sweep sweep;
  for (const Index size : sizes) sweep.push_back(swept(lab, static_cast<double>(size), constant(lab, sgd_rate, size)));
  return sweep;
}

/// Where the loss is lowest (sign 1) or highest (-1), of the values that have one; of equals the last.
const Swept& extreme(const Sweep& sweep, double sign) {
  const Swept* found = nullptr;
  for (const Swept& one : sweep)
    if (!one.runs.empty() && (!found || sign * one.loss() <= sign * found->loss())) found = &one;
  return found ? *found : sweep[0];
}

/// The sizes to cycle through: that of the lowest loss, and the largest that is worth taking.
struct Range {
  Index min, max;
};
Range chosen_sizes(Lab& lab) {
  const Sweep sweep = sweep_sizes(lab);
  const Swept& best = extreme(sweep, 1);
  Range range{static_cast<Index>(best.value), 2 * static_cast<Index>(best.value)};
  for (const Swept& one : sweep)
    if (one.value > best.value && one.loss() <= worth_taking * best.loss()) range.max = static_cast<Index>(one.value);
  return range;
}

/// Table, JSON and time of a sweep: `key` as in "learning_rate_sweep", `what` is "rate" or "size".
void report_sweep(Lab& lab, const Sweep& sweep, const std::string& key, const std::string& what, const std::string& title) {
  Rows rows{{what, "training loss", "training accuracy", "test accuracy", "updates", "seconds"}};
  const bool renewed = what == "size";
  if (renewed) rows[0].insert(rows[0].begin() + 4, "statistics anew");
  std::vector<double> seconds(static_cast<std::size_t>(lab.sweep_repeats));
  for (std::size_t repeat = 0; repeat < seconds.size(); ++repeat) {
    Json found = Json::array();
    for (const Swept& one : sweep) {
      if (repeat < one.runs.size()) {
        const Run& run = *one.runs[repeat];
        seconds[repeat] += run.seconds;
        found.push_back({{what, one.value},
                         {"loss", training_loss(run)},
                         {"accuracy", training_accuracy(run)},
                         {"test_accuracy", test_accuracy(run)},
                         {"updates", run.updates}});
        if (renewed) found.back()["test_accuracy_renewed"] = renewed_accuracy(run);
      } else if (repeat - one.runs.size() < one.diverged.size()) {
        found.push_back({{what, one.value}, {"diverged_at_step", one.diverged[repeat - one.runs.size()]->updates}});
      }
    }
    for_wanted_forms(lab, static_cast<int>(repeat), [&](Json& tree) {
      tree[key] = {{"runs", found.size()}, {"epochs", lab.sweep_epochs}, {"seconds", seconds[repeat]}, {"by_" + what, found}};
    });
  }
  if (examples::interrupted()) return;
  for (const Swept& one : sweep) {
    const std::string value = what == "rate" ? power(one.value) : fixed(one.value, 0);
    if (!one.diverged.empty())
      rows.push_back({value,
                      "diverged in " + to_string(one.diverged.size()) + " of " + to_string(one.runs.size() + one.diverged.size()),
                      "-", "-", to_string(one.diverged[0]->updates), "-"});
    else
      rows.push_back({value, middle(all(one.runs, training_loss)), fixed(median(all(one.runs, training_accuracy)), 4),
                      fixed(median(all(one.runs, test_accuracy)), 4), to_string(one.runs[0]->updates),
                      fixed(median(all(one.runs, seconds_of)), 1)});
    if (renewed)
      rows.back().insert(rows.back().begin() + 4, one.diverged.empty() ? fixed(median(all(one.runs, renewed_accuracy)), 4) : "-");
  }
  const std::string name = "problem4_" + what + "s";
  lab.results.table(name, title + ", " + to_string(lab.sweep_epochs) + " epochs: the last epoch", rows);
  lab.results.finding(name + "_time", "These " + to_string(sweep.size()) + " trainings took " + fixed(median(seconds), 0) +
                                          " seconds here, and " + lab.published[key]["seconds"].dump() +
                                          " in the published run on a GPU.");
}

/// Loss against what was varied; where it diverged, a cross at the upper edge.
void draw_sweep(Lab& lab, const Sweep& sweep, Figure figure, const std::string& axis) {
  Points losses, diverged;
  const double top = 1.7 * extreme(sweep, -1).loss();
  for (const Swept& one : sweep) {
    if (!one.diverged.empty()) diverged.push_back({one.value, top});
    if (one.runs.empty()) continue;
    const auto values = all(one.runs, training_loss);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    losses.push_back({one.value, median(values), *low, *high});
  }
  figure.data("losses", losses);
  if (!diverged.empty()) figure.data("diverged", diverged);
  figure << "set logscale xy\nset ytics (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)\nset ylabel 'training loss of the last epoch'\n" +
                axis +
                "\nset key outside bottom center horizontal\n"
                "plot $losses using 1:2:3:4 with yerrorbars lt 1 lw 1 notitle, "
                "$losses using 1:2 with linespoints lt 1 title 'training loss'" +
                (diverged.empty()
                     ? ""
                     : ", $diverged using 1:2 with points lt 4 pt 2 ps 1.2 lw 3 title 'diverged: no longer a number'");
  lab.results.figure(figure);
}

void report_rates(Lab& lab) {
  const Sweep sweep = sweep_rates(lab);
  report_sweep(lab, sweep, "learning_rate_sweep", "rate", "Learning rates, batch 64");
  if (examples::interrupted()) return;
  const Swept &low = extreme(sweep, 1), &high = extreme(sweep, -1);
  for_wanted_forms(lab, 0, [&](Json& tree) {
    tree["learning_rate_choice"] = {{"at_lowest_loss", low.value}, {"at_highest_loss", high.value}};
  });
  lab.results.finding("rate_choice",
                      "The loss is lowest at the rate " + power(low.value) + " (" + fixed(low.loss(), 4) +
                          ") and highest, where there is one, at " + power(high.value) + " (" + fixed(high.loss(), 4) + ")" +
                          (low.value == 1e-1 && high.value == 1e-9
                               ? ": the published lr_min = 1e-1 and lr_max = 1e-9 are the rates of the lowest and of the "
                                 "highest loss."
                               : "."));
  std::string gone;
  for (const Swept& one : sweep)
    if (!one.diverged.empty())
      gone += (gone.empty() ? "" : ", ") + power(one.value) + " (in step " + to_string(one.diverged[0]->updates) + ')';
  lab.results.finding(
      "diverged", gone.empty() ? "No rate made the loss infinite." : "The loss is no longer finite at the rate " + gone + ".");
  draw_sweep(
      lab, sweep,
      {"problem4_rates", "Training loss against learning rate",
       "Eleven trainings that differ in the rate alone; both axes are logarithmic. To the left next to nothing is learnt in the "
       "time; to the right the steps are too long.",
       720, 420},
      "set xlabel \"learning rate\\n\"\nset xrange [3e-10:30]\nset format x '10^{%T}'\nset mxtics 1");
}

void report_sizes(Lab& lab) {
  const Sweep sweep = sweep_sizes(lab);
  report_sweep(lab, sweep, "batch_size_sweep", "size", "Batch sizes, SGD 0.1");
  if (examples::interrupted()) return;
  const auto low = static_cast<Index>(extreme(sweep, 1).value), high = static_cast<Index>(extreme(sweep, -1).value);
  const Runs& largest = sweep.back().runs;
  if (!largest.empty())
    lab.results.finding("lag_of_sizes",
                        "With batches of " + to_string(sizes.back()) + ", " + to_string(largest[0]->updates) +
                            " updates, the test accuracy is " + fixed(median(all(largest, test_accuracy)), 4) + ", and " +
                            fixed(median(all(largest, renewed_accuracy)), 4) +
                            " with the moving statistics measured anew; the training accuracy of the last epoch is " +
                            fixed(median(all(largest, training_accuracy)), 4) + ".");
  const Range range = chosen_sizes(lab);
  const Json& theirs = lab.published["batch_size_choice"];
  lab.results.table("problem4_size_choice", "The sizes to cycle through",
                    {{"chosen", "min", "max"},
                     {"published", theirs["min"].dump(), theirs["max"].dump()},
                     {"sizes of our lowest and highest loss", to_string(low), to_string(high)},
                     {"of our lowest loss, and the largest within " + fixed(worth_taking, 1) + " times of it",
                      to_string(range.min), to_string(range.max)}});
  if (lab.options.wants(Form::published)) lab.results.at(Form::published, 0)["batch_size_choice"] = {{"min", low}, {"max", high}};
  if (lab.options.wants(Form::corrected))
    lab.results.at(Form::corrected, 0)["batch_size_choice"] = {{"min", range.min}, {"max", range.max}};
  draw_sweep(lab, sweep,
             {"problem4_sizes", "Training loss against batch size",
              "Eight trainings of as many epochs that differ in the batch size alone. The larger the batches the fewer the "
              "updates, and the higher the loss.",
              720, 420},
             "set xlabel \"batch size\\n\"\nset xrange [45:11600]\nset xtics (64, 128, 256, 512, 1024, 2048, 4096, 8192)");
}

/// Both sweeps over rate / size, and how far they differ where both were measured.
void compare_sweeps(Lab& lab) {
  Points by_rate, by_size;
  for (const Swept& one : sweep_rates(lab))
    if (!one.runs.empty()) by_rate.push_back({one.value / static_cast<double>(batch), one.loss()});
  std::string factors;
  for (const Swept& one : sweep_sizes(lab)) {
    const double ratio = sgd_rate / one.value;
    by_size.push_back({ratio, one.loss()});
    for (std::size_t i = 0; one.value > static_cast<double>(batch) && i + 1 < by_rate.size(); ++i) {
      const auto &left = by_rate[i], &right = by_rate[i + 1];
      if (ratio < left[0] || ratio >= right[0]) continue;
      const double share = std::log(ratio / left[0]) / std::log(right[0] / left[0]);
      const double there = std::pow(left[1], 1 - share) * std::pow(right[1], share);
      factors += (factors.empty() ? "" : ", ") + fixed(one.loss() / there, 2) + " at " + fixed(one.value, 0);
    }
  }
  lab.results.finding(
      "curves_alike",
      "At the same ratio of rate to size, the loss of the batch size's curve is this many times that of the learning "
      "rate's curve, read between its points: " +
          factors + ".");
  Figure figure{
      "problem4_rate_over_size", "Both sweeps over the ratio of learning rate to batch size",
      "The losses of the two pictures above. To double the batch does what it does to halve the rate, until the batches are so "
      "large that a few updates are all there is. The sizes cover a part of the left slope alone, since 64 was the smallest.",
      720, 420};
  figure.data("rates", by_rate).data("sizes", by_size);
  figure << R"(set logscale xy; set format x '10^{%T}'; set mxtics 1; set ytics (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)
set xlabel "learning rate / batch size\n"; set ylabel 'training loss of the last epoch'; set key outside bottom center horizontal
plot $rates using 1:2 with linespoints lt 1 title 'rates from 1e-9, batch 64', \
     $sizes using 1:2 with linespoints lt 2 title 'sizes 64 to 8192, rate 0.1')";
  lab.results.figure(figure);
}

// 4.3: cyclic learning rate ---------------------------------------------------------------------------------------------

struct Policy {
  std::string name;
  CycleMode mode;
};
const std::vector<Policy> policies{
    {"triangular", CycleMode::triangular}, {"triangular2", CycleMode::triangular2}, {"exp_range", CycleMode::exp_range}};

/// With the names swapped: the base is the upper edge.
const CyclicLR published_cycle{.base = 0.1, .max = 1e-9, .step_size = 1000, .mode = CycleMode::exp_range, .gamma = gamma_lr};

struct Edges {
  double base, max;
};
Edges edges(Lab& lab) {
  std::vector<double> bases, maxima;
  for (const RangeTest& test : lab.range_tests()) bases.push_back(test.base), maxima.push_back(test.max);
  return {median(bases), median(maxima)};
}
/// Two whole cycles in so many updates, so that a training ends at the base. For five epochs that is a step size of 1.25 epochs; the
/// advised 2 to 8 would leave room for one cycle, in which triangular2 is triangular.
CyclicLR rate_cycle(Lab& lab, CycleMode mode, Index updates) {
  const auto [base, max] = edges(lab);
  return {.base = base, .max = max, .step_size = std::max<Index>(1, (updates + 2) / 4), .mode = mode, .gamma = gamma_lr};
}

Plan published_rates(const Lab& lab) { return {.name = "4.3 as published", .rate = published_cycle, .epochs = lab.epochs}; }
Plan corrected_rates(Lab& lab, const Policy& policy) {
  return {.name = "CyclicLR, " + policy.name,
          .rate = rate_cycle(lab, policy.mode, lab.epochs * lab.updates_in_epoch()),
          .epochs = lab.epochs};
}

/// Figures by epoch, median and range over the runs: loss on the left, accuracy on the right.
struct Curve {
  std::string title, kind;  // "" for training, "val_" for test
  int colour;
  Runs runs;
};
void draw_epochs(Lab& lab, Figure figure, const std::vector<Curve>& curves, const Json& published = Json::array()) {
  figure << "set multiplot layout 1,2\nset xlabel \"epoch\\n\"\nset xtics 1\nset xrange [0.8:" + to_string(lab.epochs) +
                ".2]\nset style fill transparent solid 0.18 noborder\n"
                "set key outside bottom center horizontal maxcols 1 font ',11'";
  for (const std::string figure_key : {"loss", "accuracy"}) {
    std::string plot;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      const Curve& curve = curves[i];
      const std::string key = curve.kind + figure_key, block = "$c" + to_string(i) + figure_key,
                        colour = " lt " + to_string(curve.colour);
      figure.data(block.substr(1), by_epoch(curve.runs, key));
      plot += (i ? ", " : "") + block + " using 1:3:4 with filledcurves" + colour + " notitle, " + block +
              " using 1:2 with lines" + colour + " title '" + curve.title + "'";
      if (published.empty()) continue;
      Points crosses;
      for (const Json& epoch : published)
        crosses.push_back({static_cast<double>(crosses.size() + 1), epoch[key].get<double>() * (figure_key == "loss" ? 1 : 100)});
      figure.data("published" + key, crosses);
      plot += ", $published" + key + " using 1:2 with points pt 2 ps 1" + colour + " title 'published, " + curve.title + "'";
    }
    figure << "set ylabel '" + std::string{figure_key == "loss" ? "loss" : "accuracy in %"} + "'\nplot " + plot;
  }
  figure << "unset multiplot";
  lab.results.figure(figure);
}

void report_published_rates(Lab& lab) {
  const Runs runs = lab.train(published_rates(lab), lab.published_repeats);
  if (runs.empty()) return;
  for (std::size_t repeat = 0; repeat < runs.size(); ++repeat)
    lab.results.at(Form::published, static_cast<int>(repeat))["cyclic_lr"] = rate_tree_of(*runs[repeat]);
  const Json& theirs = lab.published["cyclic_lr"]["epochs"];
  const std::map<std::string, std::string> names{
      {"loss", "training loss"}, {"accuracy", "training accuracy"}, {"val_loss", "test loss"}, {"val_accuracy", "test accuracy"}};
  std::vector<Agreement> rows;
  for (std::size_t epoch = 0; epoch < std::min(runs[0]->history.epochs.size(), theirs.size()); ++epoch)
    for (const auto& [key, figure] : epoch_figures)
      rows.push_back(Agreement::of_runs(
          "4.3, epoch " + to_string(epoch + 1) + ", " + names.at(key), theirs[epoch][key], at_epoch(runs, epoch, key), 4,
          key.starts_with("val_")
              ? "test figures of single epochs swing widely, since an epoch may end while the rate is high; loss "
                "and accuracy of one epoch go together."
              : "no reason was found in the procedure; of 20 figures one outside is what chance gives."));
  lab.results.agreement("problem4_cyclic_lr", "Cyclic learning rate as published, by epoch", rows, lab.as_published());
  draw_epochs(
      lab,
      {"problem4_cyclic_lr", "Cyclic learning rate as published: loss and accuracy",
       "Median of our runs, the band from the smallest to the largest; crosses: the published run. The test figures swing, "
       "since epochs end while the rate is high.",
       760, 450},
      {{"training", "", 1, runs}, {"test", "val_", 2, runs}}, theirs);

  // The schedule over the published length, which a short run does not reach.
  const Index length = 5 * ((all_images + batch - 1) / batch);
  std::vector<double> lows;  // of each whole cycle
  double sum = 0, last = 0;
  for (Index i = 0; i < length; ++i) {
    last = published_cycle({i, 0});
    sum += last;
    if (i % 2000 == 1000) lows.push_back(last);
  }
  lab.results.finding(
      "swapped_edges",
      "With the edges swapped the rate starts at its highest, 0.1, and exp_range draws it back to there: its low is " +
          fixed(lows[0], 4) + " in the first cycle and " + fixed(lows[1], 4) + " in the second, its mean is " +
          fixed(sum / static_cast<double>(length), 3) + ", and it ends at " + fixed(last, 3) +
          ". It calms down less and less, where it should more and more.");
}

void report_range_test(Lab& lab) {
  const auto& tests = lab.range_tests();
  const auto [base, max] = edges(lab);
  Rows rows{{"seed", "base", "max", "updates"}};
  for (std::size_t i = 0; i < tests.size(); ++i)
    rows.push_back(
        {to_string(lab.options.seed + i), power(tests[i].base, 1), power(tests[i].max, 1), to_string(tests[i].points.size())});
  rows.push_back({"median", power(base, 1), power(max, 1), ""});
  lab.results.table("problem4_range_test", "Learning-rate range test: edges for the cycle", rows);
  lab.results.at(Form::corrected, 0)["range_test"] = {{"base", base}, {"max", max}, {"updates", tests[0].points.size()}};
  const auto sweep = lab.sweep_epochs * lab.updates_in_epoch() * static_cast<Index>(rates.size());
  lab.results.finding("range_edges", "The range test puts the lower edge at " + power(base, 1) + " and the upper one at " +
                                         power(max, 1) + ", the medians of three passes of " + to_string(tests[0].points.size()) +
                                         " updates. The sweep takes up to " + to_string(sweep) + " updates.");
  Figure figure{
      "problem4_range_test", "Learning-rate range test",
      "One pass over the training images while the rate grows by the same factor from batch to batch. The lower edge is where "
      "the running mean of the loss has begun to fall, the upper one where it is lowest, both moved back by the mean's lag.",
      720, 420};
  Points points;
  for (const auto& point : tests[0].points) points.push_back({point.learning_rate, point.loss, point.smoothed});
  figure.data("points", points)
      .data("edges", {{tests[0].base, 0.1}, {tests[0].base, 10}, {}, {tests[0].max, 0.1}, {tests[0].max, 10}});
  figure
      << R"(set logscale xy; set format x '10^{%T}'; set mxtics 1; set yrange [0.3:5]; set ytics (0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)
set xlabel "learning rate\n"; set ylabel 'training loss'; set key outside bottom center horizontal
plot $points every 2 using 1:2 with points lt 5 pt 7 ps 0.25 title 'one batch in two', $points using 1:3 with lines lt 1 title 'running mean', \
     $edges using 1:2 with lines lt 2 dt 2 title 'edges')";
  lab.results.figure(figure);
}

void report_corrected_rates(Lab& lab) {
  report_range_test(lab);
  std::vector<Kind> kinds;
  for (const Policy& policy : policies) {
    const Runs runs = lab.train(corrected_rates(lab, policy), lab.compared_repeats);
    if (runs.empty()) return;
    for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
      Json& tree = lab.results.at(Form::corrected, static_cast<int>(repeat))["cyclic_lr"];
      if (policy.mode == CycleMode::triangular) {
        const CyclicLR cycle = rate_cycle(lab, policy.mode, lab.epochs * lab.updates_in_epoch());
        tree = rate_tree_of(*runs[repeat]);
        tree.update({{"base", cycle.base}, {"max", cycle.max}, {"step_size", cycle.step_size}});
      }
      tree["policies"][policy.name] = tree_of(*runs[repeat]);
    }
    kinds.push_back({policy.name, runs});
  }
  if (examples::interrupted()) return;
  const Kind corrected{"the corrected cycle", kinds[0].runs};
  const auto range = [](const Kind& kind) {
    const auto values = all(kind.runs, test_accuracy);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return values.size() == 1 ? fixed(*low, 4) + " in one run"
                              : fixed(*low, 4) + " to " + fixed(*high, 4) + " in " + to_string(values.size()) + " runs";
  };
  lab.results.finding("rate_policies", "Test accuracy: " + kinds[0].name + ' ' +
                                           fixed(median(all(kinds[0].runs, test_accuracy)), 4) + ", " + kinds[1].name + ' ' +
                                           fixed(median(all(kinds[1].runs, test_accuracy)), 4) + ", " + kinds[2].name + ' ' +
                                           fixed(median(all(kinds[2].runs, test_accuracy)), 4) + " (median). " +
                                           compared("The test loss", test_loss, kinds[1], kinds[0]) + ' ' +
                                           compared("The test loss", test_loss, kinds[2], kinds[0]));
  std::vector<Curve> curves;
  const Kind published{"the published one",
                       lab.options.wants(Form::published) ? lab.train(published_rates(lab), lab.published_repeats) : Runs{}};
  if (!published.runs.empty()) {
    lab.results.finding("corrected_or_swapped", compared("The test accuracy", test_accuracy, corrected, published) +
                                                    " The published cycle ends at " + range(published) +
                                                    ", the corrected one at " + range(corrected) + ".");
    curves.push_back({"as published", "val_", 2, published.runs});
  }
  if (lab.sweep_epochs == lab.epochs)
    lab.results.finding("cycle_or_constant",
                        compared("The test accuracy", test_accuracy, corrected,
                                 {"a constant rate of 0.1", lab.train(constant(lab, sgd_rate, batch), lab.sweep_repeats)}));
  else
    lab.results.finding("cycle_or_constant",
                        "The constant rate was trained shorter than the cycles here, so that there is nothing to compare.");
  curves.push_back({"triangular", "val_", 1, kinds[0].runs});
  curves.push_back({"triangular2", "val_", 3, kinds[1].runs});
  curves.push_back({"exp\\_range", "val_", 4, kinds[2].runs});
  draw_epochs(lab,
              {"problem4_cyclic_lr_corrected", "Cyclic learning rate, edges from the range test: test figures",
               "Medians, bands from the smallest to the largest run. The corrected cycles are at their low after two and a half "
               "epochs and at the end, where the published one is half way up.",
               760, 460},
              curves);
}

/// The rates by update, as published and corrected.
void draw_rates(Lab& lab) {
  const Index updates = lab.epochs * lab.updates_in_epoch(), stride = std::max<Index>(1, updates / 300);
  std::vector<LearningRate> schedules{published_cycle};
  std::vector<std::string> header{"iteration", "published"};
  if (lab.options.wants(Form::corrected))
    for (const Policy& policy : policies) {
      schedules.push_back(rate_cycle(lab, policy.mode, updates));
      header.push_back(policy.name);
    }
  Points rows, drawn;
  for (Index i = 0; i < updates; ++i) {
    rows.push_back({static_cast<double>(i)});
    for (const LearningRate& schedule : schedules) rows.back().push_back(schedule(i));
    if (i % stride == 0) drawn.push_back(rows.back());
  }
  lab.results.data("problem4_learning_rates", header, rows);
  Figure figure{
      "problem4_rate_schedules", "Learning rate by update",
      "As published the cycle begins at the top, since base and max are swapped, and exp_range shrinks it towards the top. "
      "Corrected it begins and ends at the low edge; triangular2 and exp_range lower the second peak.",
      760, 400};
  figure.data("rates", drawn);
  figure << R"(set multiplot layout 1,2
set xlabel "update\n"; set ylabel 'learning rate'; set yrange [0:*]; set xtics rotate by -40; set key outside bottom center horizontal maxcols 1
set title 'published'
plot $rates using 1:2 with lines lt 2 title 'exp\_range, edges swapped')";
  if (schedules.size() > 1)
    figure << R"(set title 'corrected'
plot $rates using 1:3 with lines lt 1 title 'triangular', $rates using 1:4 with lines lt 3 title 'triangular2', \
     $rates using 1:5 with lines lt 4 dt 2 title 'exp\_range')";
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// 4.5: cyclic batch size ------------------------------------------------------------------------------------------------

/// The published rule. Its maximum doubles without end, and once it passes the number of images no step can be made any more; so here
/// the doubling stops before. Five epochs do not come so far.
DoublingBatchSize published_rule(Index images) {
  return {.min = 64, .max = 512, .limit = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(images)))};
}
/// The sizes that it gives, without any training.
Trace trace_of_rule(Index images, Index epochs) {
  const DoublingBatchSize rule = published_rule(images);
  Trace trace(static_cast<std::size_t>(epochs));
  Index iteration = 0;
  for (auto& epoch : trace)
    for (Index first = 0, size; first + (size = rule(Progress{iteration, 0})) <= images; first += size, ++iteration)
      epoch.push_back(size);
  return trace;
}

/// The closed form of the cyclic rate. What a step does goes with rate / size, so a low rate has its counterpart in a large size: the
/// base, where the cycle begins and ends and to which triangular2 and exp_range shrink it, is the largest size. With `rising` it is the
/// smallest. Sizes are capped at a 16th of the images, so that an epoch has at least 16 updates.
/// Two whole cycles in the epochs' images, or in so many updates.
CyclicBatchSize size_cycle(Lab& lab, CycleMode mode, bool rising = false, Index updates = 0) {
  const auto [min, max] = chosen_sizes(lab);
  const Index images = lab.epochs * lab.data.train.size();
  CyclicBatchSize cycle{.base = rising ? min : max, .max = rising ? max : min, .mode = mode, .cap = lab.data.train.size() / 16};
  // As much lower at the end as the rate's cycle, which has more updates.
  const Index about = updates ? updates : 2 * images / (min + max);
  cycle.gamma = std::pow(gamma_lr, static_cast<double>(lab.epochs * lab.updates_in_epoch()) / static_cast<double>(about));
  cycle.step_size = std::max<Index>(1, updates / 4);
  const auto seen = [&] {
    Index sum = 0;
    for (Index i = 0; i < 4 * cycle.step_size; ++i) sum += cycle(Progress{i, 0});
    return sum;
  };
  while (updates == 0 && seen() < images) ++cycle.step_size;
  return cycle;
}

Plan published_sizes(const Lab& lab) {
  return {.name = "4.6 as published", .size = published_rule(lab.data.train.size()), .epochs = lab.epochs, .by_hand = true};
}
Plan corrected_sizes(Lab& lab, const Policy& policy, bool rising = false) {
  return {.name = "CyclicBatchSize, " + policy.name + (rising ? ", rising" : ""),
          .size = size_cycle(lab, policy.mode, rising),
          .epochs = lab.epochs,
          .drop_last = true};
}

std::string counts(const Trace& trace) {
  std::string text;
  for (std::size_t epoch = 0; epoch < trace.size(); ++epoch)
    text += (epoch == 0 ? "" : epoch + 1 == trace.size() ? " and " : ", ") + to_string(trace[epoch].size());
  return text;
}
/// Whether it is the published trace, as far as both go.
bool is_published(const Lab& lab, const Trace& trace) {
  const auto theirs = lab.published["cyclic_batch_size"]["trace"].get<Trace>();
  const auto epochs = static_cast<std::ptrdiff_t>(std::min(theirs.size(), trace.size()));
  return std::equal(theirs.begin(), theirs.begin() + epochs, trace.begin());
}

void report_rule(Lab& lab) {
  const Trace trace = trace_of_rule(all_images, lab.epochs);
  const Json& theirs = lab.published["cyclic_batch_size"]["trace"];
  Rows rows{{"epoch", "batches", "published", "images", "largest batch"}};
  Points points;
  for (std::size_t epoch = 0; epoch < trace.size(); ++epoch) {
    Index images = 0;
    for (const Index size : trace[epoch]) {
      images += size;
      points.push_back({static_cast<double>(points.size()), static_cast<double>(size), static_cast<double>(epoch + 1)});
    }
    rows.push_back({to_string(epoch + 1), to_string(trace[epoch].size()),
                    epoch < theirs.size() ? to_string(theirs[epoch].size()) : "-", to_string(images),
                    to_string(*std::max_element(trace[epoch].begin(), trace[epoch].end()))});
  }
  lab.results.table("problem4_size_rule", "The published rule on 60000 images: batches by epoch", rows);
  lab.results.data("problem4_batch_sizes", {"update", "size", "epoch"}, points);
  lab.results.finding("rule_trace", "The rule alone, without training, gives " + counts(trace) + " batches in the epochs: " +
                                        (is_published(lab, trace) ? "size by size the published sequence."
                                                                  : "this is not the published sequence."));

  Figure figure{
      "problem4_size_schedules", "Batch size by update",
      "Left, on a logarithmic axis, the published rule; the maximum doubles with every cycle, up to 32768, more than half of "
      "the images. Right the closed form, between the sizes that the sweep recommends.",
      760, 440};
  figure.data("published", points);
  figure << R"(set multiplot layout 1,2
set xlabel "update\n"; set ylabel 'batch size'; set key outside bottom center horizontal maxcols 2
set logscale y 2; set yrange [48:48000]; set ytics (64, 256, 1024, 4096, 16384, 32768)
set title 'published'
plot $published using 1:2 with lines lc rgb '#909090' lw 1 notitle, \
     for [e=1:5] $published using 1:($3==e ? $2 : NaN) with points lt e pt 7 ps 0.45 title 'epoch '.e)";
  if (lab.options.wants(Form::corrected)) {
    std::vector<CyclicBatchSize> cycles;
    for (const Policy& policy : policies) cycles.push_back(size_cycle(lab, policy.mode));
    cycles.push_back(size_cycle(lab, CycleMode::triangular, true));
    const Index images = lab.epochs * lab.data.train.size();
    std::vector<Index> seen(cycles.size());
    Points closed;
    for (Index i = 0; *std::min_element(seen.begin(), seen.end()) < images; ++i) {
      closed.push_back({static_cast<double>(i)});
      for (std::size_t k = 0; k < cycles.size(); ++k) {
        const Index size = cycles[k](Progress{i, 0});
        closed.back().push_back(seen[k] < images ? static_cast<double>(size) : NAN);
        seen[k] += size;
      }
    }
    figure.data("closed", closed);
    figure << R"(unset logscale; set yrange [0:*]; set ytics auto
set title 'corrected'
plot $closed using 1:2 with lines lt 1 title 'triangular', $closed using 1:3 with lines lt 3 title 'triangular2', \
     $closed using 1:4 with lines lt 4 dt 2 title 'exp\_range', $closed using 1:5 with lines lt 2 title 'triangular, rising')";
  }
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// 4.6 -------------------------------------------------------------------------------------------------------------------

void draw_published_sizes(Lab& lab, const Runs& runs) {
  Figure figure{
      "problem4_cyclic_batch_size", "Cyclic batch size as published: accuracy by epoch",
      "Median of our runs, bands from the smallest to the largest; crosses: the published run, which shows no test figures. "
      "Ours lie far below, because the moving statistics lag: with statistics measured anew (square) the same weights do much "
      "better.",
      720, 430};
  Points crosses;
  for (const Json& value : lab.published["cyclic_batch_size"]["accuracy_by_epoch"])
    crosses.push_back({static_cast<double>(crosses.size() + 1), 100 * value.get<double>()});
  figure.data("training", by_epoch(runs, "accuracy")).data("test", by_epoch(runs, "val_accuracy")).data("published", crosses);
  figure.data("renewed", {{static_cast<double>(lab.epochs), 100 * median(all(runs, renewed_accuracy))}});
  figure << "set xrange [0.8:" + to_string(lab.epochs) + ".2]"
         << R"(set xlabel "epoch\n"; set ylabel 'accuracy in %'; set xtics 1
set style fill transparent solid 0.18 noborder; set key outside bottom center horizontal maxcols 2
plot $training using 1:3:4 with filledcurves lt 1 notitle, $training using 1:2 with lines lt 1 title 'training', \
     $test using 1:3:4 with filledcurves lt 2 notitle, $test using 1:2 with lines lt 2 title 'test', \
     $published using 1:2 with points lt 1 pt 2 ps 1.1 title 'training, published', \
     $renewed using 1:2 with points lt 2 pt 5 ps 1.1 title 'test, statistics measured anew')";
  lab.results.figure(figure);
}

void report_published_sizes(Lab& lab) {
  const Runs runs = lab.train(published_sizes(lab), lab.published_repeats);
  if (runs.empty()) return;
  const Run& first = *runs[0];
  const Json& theirs = lab.published["cyclic_batch_size"];
  const Index images = lab.data.train.size();
  const bool whole = images == all_images;
  Rows lag{{"epoch", "updates so far", "of the start left", "moving mean of the pixels", "training accuracy", "test accuracy"}};
  std::vector<Agreement> rows;
  Json shares = Json::array();
  Index updates = 0, furthest = 0;
  for (std::size_t epoch = 0; epoch < first.history.epochs.size(); ++epoch) {
    const EpochRecord& record = first.history.epochs[epoch];
    updates += record.steps;
    furthest = std::max(furthest, record.training.samples);
    shares.push_back(std::pow(momentum, static_cast<double>(updates)));
    lag.push_back({to_string(epoch + 1), to_string(updates), examples::percent(shares.back()), fixed(first.moving_mean[epoch], 2),
                   fixed(*record.training.accuracy, 4), fixed(*record.validation->accuracy, 4)});
    if (epoch < theirs["accuracy_by_epoch"].size())
      rows.push_back(Agreement::of_runs("4.6, epoch " + to_string(epoch + 1) + ", training accuracy",
                                        theirs["accuracy_by_epoch"][epoch], at_epoch(runs, epoch, "accuracy"), 4));
  }
  for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
    Json& tree = lab.results.at(Form::published, static_cast<int>(repeat))["cyclic_batch_size"];
    tree = size_tree_of(*runs[repeat]);
    tree["trace_from"] = whole ? "the steps taken" : "the schedule alone";
    if (!whole) tree["trace"] = trace_of_rule(all_images, lab.epochs);  // on a sample the training takes other sizes
    tree["share_of_initial_statistics_by_epoch"] = shares;
    tree["moving_mean_of_pixels_by_epoch"] = runs[repeat]->moving_mean;
  }
  lab.results.agreement("problem4_cyclic_batch_size", "Cyclic batch size as published, by epoch", rows, lab.as_published());
  lab.results.finding(
      "trace_taken",
      !whole ? "A quick run trains on a sample, where the sizes are others; the sequence is that of the rule alone."
             : "The batches that the training took, " + counts(trace_of(first)) + " in its epochs, " +
                   (is_published(lab, trace_of(first)) ? "are one by one the published ones." : "are not the published ones."));
  lab.results.table("problem4_lag",
                    "How the moving statistics lag, first seed; all pixels have a mean of " + fixed(lab.data.pixel_mean, 2), lag);
  const double share = shares.back(), mean = lab.data.pixel_mean;
  lab.results.finding("statistics_lag", "After " + to_string(updates) + " updates the moving statistics still hold " +
                                            examples::percent(share) +
                                            " of what they began with: to the batch norm at the input, pixels have a mean of " +
                                            fixed(first.moving_mean.back(), 1) + " (by the formula " +
                                            fixed((1 - share) * mean, 1) + "), where it is " + fixed(mean, 1) + ".");
  lab.results.finding("renewed", "Statistics measured anew, with the weights held still, take the test accuracy from " +
                                     middle(all(runs, test_accuracy)) + " to " + middle(all(runs, renewed_accuracy)) +
                                     ", in the median of " + to_string(runs.size()) +
                                     (runs.size() == 1 ? " run." : " runs (in brackets the deviation)."));
  lab.results.finding("never_seen",
                      to_string(images - furthest) + " of the " + to_string(images) +
                          " images are never trained on: the order is always the same, and no epoch comes further.");
  draw_published_sizes(lab, runs);
}

/// How many times as long an image takes with the cyclic sizes as with batches of 64. The fastest of several short trainings in turns, so
/// that it matters little what else the machine does.
template <class D>
double cost_of_sizes(Lab& lab) {
  auto model = normalised_lenet<D>();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}};
  CyclicBatchSize cycle = size_cycle(lab, CycleMode::triangular);
  cycle.step_size = 4;
  const auto seconds_per_image = [&](Index steps, const BatchSize& size) {
    const History history = trainer.fit(lab.data.train, {.steps = steps, .batch_size = size});
    double seconds = 0, images = 0;
    for (const EpochRecord& epoch : history.epochs) {
      seconds += epoch.seconds;
      images += static_cast<double>(epoch.training.samples);
    }
    return seconds / images;
  };
  double with_sizes = INFINITY, with_64 = INFINITY;
  for (int turn = 0; turn < (lab.options.quick ? 1 : 6) && !examples::interrupted(); ++turn) {
    trainer.set_position({});  // the cycle and the order of the images begin anew
    with_sizes = std::min(with_sizes, seconds_per_image(8, cycle));
    with_64 = std::min(with_64, seconds_per_image(64, batch));
  }
  return with_sizes / with_64;
}

/// The two corrected cycles under one limit.
struct Budget {
  std::string key, words;
  Runs by_rate, by_size;
};

void draw_comparison(Lab& lab, const std::vector<Budget>& budgets) {
  Points by_rate, by_size;
  for (std::size_t b = 0; b < budgets.size(); ++b) {
    const double x = static_cast<double>(b + 1);
    for (const Run* run : budgets[b].by_rate) by_rate.push_back({x - 0.12, run->test.loss, run->renewed.loss});
    for (const Run* run : budgets[b].by_size) by_size.push_back({x + 0.12, run->test.loss, run->renewed.loss});
  }
  Figure figure{
      "problem4_comparison", "Cyclic rate against cyclic batch size",
      "Test loss, a mark for each run: filled with statistics measured anew, open with the moving ones as they are. Who is "
      "ahead depends on what is held equal. With the same updates the large batches have seen more images; with the same images "
      "or time the small ones have made more updates.",
      720, 430};
  figure.data("rate", by_rate).data("size", by_size);
  figure
      << R"(set xrange [0.5:3.5]; set xtics ('equal epochs' 1, 'equal updates' 2, 'equal time' 3) scale 0; set ylabel 'test loss'
set key outside bottom center horizontal; set offsets 0,0,0.01,0.01
plot $rate using 1:3 with points lt 1 pt 7 ps 0.8 title 'cyclic rate, batch 64', $rate using ($1+0.04):2 with points lt 1 pt 6 ps 0.7 notitle, \
     $size using 1:3 with points lt 2 pt 5 ps 0.8 title 'cyclic batch size, rate 0.1', $size using ($1+0.04):2 with points lt 2 pt 4 ps 0.7 notitle)";
  lab.results.figure(figure);
}

/// The cyclic batch size in closed form, and against the cyclic rate at equal epochs, equal updates and in equal time. Each limit has
/// its own cycles, which end with it.
void compare_cycles(Lab& lab) {
  const Policy& triangular = policies[0];
  std::vector<Kind> kinds;
  if (lab.sweep_epochs == lab.epochs)
    kinds.push_back({"constant, rate 0.1, size 64", lab.train(constant(lab, sgd_rate, batch), lab.sweep_repeats)});
  if (lab.options.wants(Form::published)) {
    kinds.push_back({"4.3 as published", lab.train(published_rates(lab), lab.published_repeats)});
    kinds.push_back({"4.6 as published", lab.train(published_sizes(lab), lab.published_repeats)});
  }
  for (const Policy& policy : policies)
    kinds.push_back({"cyclic rate, " + policy.name, lab.train(corrected_rates(lab, policy), lab.compared_repeats)});
  for (const Policy& policy : policies) {
    const Runs runs = lab.train(corrected_sizes(lab, policy), lab.compared_repeats);
    kinds.push_back({"cyclic size, " + policy.name, runs});
    for (std::size_t repeat = 0; repeat < runs.size(); ++repeat) {
      Json& tree = lab.results.at(Form::corrected, static_cast<int>(repeat))["cyclic_batch_size"];
      if (policy.mode == triangular.mode) tree = size_tree_of(*runs[repeat]);
      tree["policies"][policy.name] = tree_of(*runs[repeat]);
    }
  }
  const Kind rising{"cyclic size, triangular, rising", lab.train(corrected_sizes(lab, triangular, true), lab.compared_repeats)};
  kinds.push_back(rising);
  const Runs by_rate = lab.train(corrected_rates(lab, triangular), lab.compared_repeats),
             by_size = lab.train(corrected_sizes(lab, triangular), lab.compared_repeats);
  if (by_rate.empty() || by_size.empty() || examples::interrupted()) return;

  const Index updates = by_size[0]->updates;
  const double cost = lab.device([&](auto chosen) { return cost_of_sizes<decltype(chosen)>(lab); });
  const Index in_time = std::max<Index>(4, std::lround(static_cast<double>(updates) / cost));
  const Plan few_updates{.name = "CyclicLR, triangular, " + to_string(updates) + " updates",
                         .rate = rate_cycle(lab, triangular.mode, updates),
                         .steps = updates};
  const Plan same_time{.name = "CyclicBatchSize, triangular, " + to_string(in_time) + " updates",
                       .size = size_cycle(lab, triangular.mode, false, in_time),
                       .steps = in_time,
                       .drop_last = true,
                       .timed = true};
  const std::vector<Budget> budgets{{"equal_epochs", "At equal epochs", by_rate, by_size},
                                    {"equal_updates", "At equal updates", lab.train(few_updates, lab.compared_repeats), by_size},
                                    {"equal_time", "In equal time", by_rate, lab.train(same_time, lab.compared_repeats)}};
  if (examples::interrupted()) return;
  kinds.push_back({"cyclic rate, equal updates", budgets[1].by_rate});
  kinds.push_back({"cyclic size, equal time", budgets[2].by_size});
  Rows rows{kinds_header};
  for (const Kind& kind : kinds)
    if (!kind.runs.empty()) rows.push_back(kind_row(kind.name, kind.runs));
  lab.results.table("problem4_comparison",
                    "All kinds of training: median, in brackets the deviation where there are several runs", rows);
  lab.results.run_info()["cost_of_cyclic_sizes"] = cost;
  lab.results.finding("cost_of_sizes",
                      "On this machine an image takes " + fixed(cost, 2) +
                          " times as long with the cyclic batch sizes as with batches of 64, so that equal time is " +
                          to_string(in_time) + " updates instead of " + to_string(updates) + ".");
  for (const Budget& budget : budgets) {
    for (std::size_t repeat = 0; repeat < budget.by_rate.size(); ++repeat)
      lab.results.at(Form::corrected, static_cast<int>(repeat))["comparison"][budget.key] = {
          {"cyclic_lr", tree_of(*budget.by_rate[repeat])}, {"cyclic_batch_size", tree_of(*budget.by_size[repeat])}};
    const auto work = [](const Runs& runs) {
      return to_string(runs[0]->updates) + " updates on " + to_string(runs[0]->seen / 1000) + " thousand images";
    };
    lab.results.finding(budget.key, budget.words + ", " + work(budget.by_rate) + " against " + work(budget.by_size) + ": " +
                                        compared("the test loss", renewed_loss, {"the cyclic rate", budget.by_rate},
                                                 {"the cyclic batch size", budget.by_size}));
  }
  lab.results.finding("direction",
                      compared("The test loss", renewed_loss, {"the cycle of sizes that begins and ends small", rising.runs},
                               {"the one that begins and ends large", by_size}));
  draw_comparison(lab, budgets);
}

/// What in batch size corresponds to a decaying rate: the rate halved after every epoch, or the size doubled.
void compare_decay_and_growth(Lab& lab) {
  const auto halved = [](Index epoch) { return sgd_rate * std::pow(0.5, static_cast<double>(epoch)); };
  const auto doubled = [most = lab.data.train.size() / 2](Index epoch) {
    return std::min(most, batch << std::min<Index>(epoch, 30));
  };
  const Kind decay{
      "rate halved each epoch",
      lab.train({.name = "rate halved each epoch", .rate = ByEpoch{halved}, .epochs = lab.epochs}, lab.compared_repeats)},
      growth{
          "size doubled each epoch",
          lab.train({.name = "size doubled each epoch", .size = ByEpoch{doubled}, .epochs = lab.epochs}, lab.compared_repeats)};
  if (decay.runs.empty() || growth.runs.empty()) return;
  lab.results.table("problem4_decay_and_growth", "A rate that decays, and a batch that grows",
                    {kinds_header, kind_row(decay.name, decay.runs), kind_row(growth.name, growth.runs)});
  for (std::size_t repeat = 0; repeat < growth.runs.size(); ++repeat)
    lab.results.at(Form::corrected, static_cast<int>(repeat))["decay_and_growth"] = {
        {"rate_halved", tree_of(*decay.runs[repeat])}, {"size_doubled", tree_of(*growth.runs[repeat])}};
  const Points left = by_epoch(decay.runs, "loss"), right = by_epoch(growth.runs, "loss");
  std::string losses;
  for (std::size_t i = 0; i < left.size(); ++i)
    losses += (i ? ", " : "") + fixed(left[i][1], 3) + " and " + fixed(right[i][1], 3);
  lab.results.finding(
      "decay_or_growth",
      "The training loss, epoch by epoch, with the rate halved and with the size doubled: " + losses + ", in " +
          to_string(decay.runs[0]->updates) + " and in " + to_string(growth.runs[0]->updates) + " updates. " +
          compared("The test loss", test_loss, {"the halved rate", decay.runs}, {"the doubled size", growth.runs}));

  Figure figure{
      "problem4_decay_and_growth", "A decaying rate and a growing batch",
      "First seed. Over the epochs (left) the two fall alike; over the updates (right) the growing batch is there with fewer.",
      760, 430};
  for (const Kind* kind : {&decay, &growth}) {
    Points points;
    Index updates = 0;
    for (const EpochRecord& epoch : kind->runs[0]->history.epochs)
      points.push_back({static_cast<double>(epoch.epoch), static_cast<double>(updates += epoch.steps), epoch.training.loss,
                        epoch.validation->loss});
    figure.data(kind == &decay ? "decay" : "growth", points);
  }
  figure << "set multiplot layout 1,2\nset ylabel 'loss'\nset key outside bottom center horizontal maxcols 2 font ',11'";
  for (const std::string axis :
       {R"(set xlabel "epoch\n"; set xtics 1; x = 1)", R"(set xlabel "updates so far\n"; set xtics auto rotate by -40; x = 2)"})
    figure << axis + R"(
plot $decay using x:3 with linespoints lt 1 dt 2 title 'rate halved, training', $growth using x:3 with linespoints lt 2 dt 2 title 'size doubled, training', \
     $decay using x:4 with linespoints lt 1 title 'rate halved, test', $growth using x:4 with linespoints lt 2 title 'size doubled, test')";
  figure << "unset multiplot";
  lab.results.figure(figure);
}

// -----------------------------------------------------------------------------------------------------------------------

int problem4(const examples::Options& options) {
  const DeviceChoice device = choose_device(options.device);
  Results results{options, "problem4", "Problem 4: learning rate and batch size on Fashion-MNIST, swept and cycled."};
  const Data data = load(options);
  Lab lab{options, results, data, device};
  const bool published = options.wants(Form::published), corrected = options.wants(Form::corrected);
  results.run_info() = {{"device", device.name()},
                        {"epochs", lab.epochs},
                        {"sweep_epochs", lab.sweep_epochs},
                        {"sweep_repeats", lab.sweep_repeats},
                        {"published_repeats", published ? lab.published_repeats : 0},
                        {"compared_repeats", corrected ? lab.compared_repeats : 0},
                        {"training_images", data.train.size()},
                        {"test_images", data.test.size()}};
  std::cout << data.train.size() << " training and " << data.test.size()
            << " test images. Trainings of each kind: " << lab.sweep_repeats << " in the sweeps, " << lab.published_repeats
            << " of the published cycles, " << lab.compared_repeats << " of the corrected.\n"
            << examples::place(device) << '\n';

  // A part alone makes what it needs of the others.
  results.part("4.1", "Records, classes and images", [&] { count_and_show(lab); });
  results.part("4.2", "Learning-rate sweep", [&] { report_rates(lab); });
  results.part("4.3", "Cyclic learning rate", [&] {
    if (published) report_published_rates(lab);
    if (corrected && !examples::interrupted()) report_corrected_rates(lab);
    if (!examples::interrupted()) draw_rates(lab);
  });
  results.part("4.4", "Batch-size sweep", [&] {
    report_sizes(lab);
    if (!examples::interrupted()) compare_sweeps(lab);
  });
  results.part("4.5", "Cyclic batch size: the schedule", [&] { report_rule(lab); });
  results.part("4.6", "Cyclic batch size: the training", [&] {
    if (published) report_published_sizes(lab);
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
                       {"4.1", "4.2", "4.3", "4.4", "4.5", "4.6"}, "");
}
