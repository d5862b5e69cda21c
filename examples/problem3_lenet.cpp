// SPDX-License-Identifier: MIT
// Problem 3: what batch normalisation and dropout do to LeNet-5 on MNIST.
#include <algorithm>
#include <cmath>
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
using examples::Results;
using namespace tarn;

struct Variant {
  std::string name, label;  // in the published figures; in tables and pictures
  examples::LeNetOptions options;
  bool standardised = false;  // pixels to mean 0 and deviation 1, with the training set's
};

/// The published four, and the row that "standard normalisation" would have been.
const std::vector<Variant> variants{
    {"standard_input_batchnorm_hidden", "BN hidden", {.hidden_batch_norm = true}},
    {"batchnorm_input_and_hidden", "BN input+hidden", {.input_batch_norm = true, .hidden_batch_norm = true}},
    {"dropout_only", "dropout", {.dropout = true}},
    {"batchnorm_and_dropout", "BN and dropout", {.input_batch_norm = true, .hidden_batch_norm = true, .dropout = true}},
    {"standardised_input_batchnorm_hidden", "standardised, BN hidden", {.hidden_batch_norm = true}, true}};
constexpr std::size_t published_variants = 4;

const std::vector<std::pair<std::string, std::string>> last_figures{
    {"accuracy", "training accuracy"}, {"loss", "training loss"}, {"val_accuracy", "test accuracy"}, {"val_loss", "test loss"}};

/// All trees of finished trainings, by variant and repeat.
using Runs = std::map<std::string, std::vector<Json>>;

const std::vector<std::string> norm_parameters{"gamma", "beta", "moving_mean", "moving_variance"};

/// gamma, beta and moving statistics of every batch normalisation, in the order of the layers.
Json batch_norms(const Sequential<float>& model) {
  Json found = Json::array();
  for (const auto& layer : model.layers()) {
    if (layer.type != BatchNorm::type) continue;
    Json norm;
    for (const std::string& parameter : norm_parameters) {
      const auto values = model.weights(layer.name + "/" + parameter);
      norm[parameter] = std::vector<float>(values.begin(), values.end());
    }
    found.push_back(norm);
  }
  return found;
}

// Training --------------------------------------------------------------------------------------------------------------

struct Data {
  data::TrainTest pixels;         // 0 to 1
  data::TrainTest standardised;   // mean 0, deviation 1
  double mean = 0, variance = 0;  // of the training pixels
};

Data load(const examples::Options& options) {
  Data data;
  data.pixels = data::mnist({.folder = options.data});
  if (options.quick) data.pixels = {data.pixels.train.take(0, 6000), data.pixels.test.take(0, 2000)};
  data.standardised = data.pixels;
  const auto standardizer = data::Standardizer::fit(data.pixels.train.inputs, {.per = data::Per::whole});
  data.mean = standardizer.mean()[0];
  data.variance = std::pow(standardizer.deviation()[0], 2);
  data.standardised.train.inputs = standardizer.apply(data.pixels.train.inputs);
  data.standardised.test.inputs = standardizer.apply(data.pixels.test.inputs);
  return data;
}

/// A training, and its loss and accuracy as the test set's are measured: nothing dropped, moving statistics.
struct Trained {
  History history;
  Metrics in_inference;
};
template <class D>
Trained train_on(Sequential<float, D>& model, const data::TrainTest& data, std::uint64_t seed, int epochs, Profile* profile) {
  model.initialize(seed);
  Trainer trainer{
      model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01}, {.seed = seed, .profile = profile}};
  Trained trained;
  trained.history = trainer.fit(
      data.train,
      {.epochs = epochs, .batch_size = 128, .validation = &data.test, .callbacks = {ProgressBar{}, examples::StopOnInterrupt{}}});
  if (!examples::interrupted()) trained.in_inference = trainer.evaluate(data.train);
  return trained;
}
/// The same on the GPU; the weights come back.
Trained train_on_gpu(Sequential<float>& model, const Variant& variant, const data::TrainTest& data, std::uint64_t seed,
                     int epochs, Profile* profile) {
  auto on_gpu = examples::lenet<Gpu>(variant.options);
  Trained trained = train_on(on_gpu, data, seed, epochs, profile);
  examples::copy_values(on_gpu, model);
  return trained;
}

/// Trains one variant once. Returns null where Ctrl-C ended it.
Json train(const Variant& variant, const Data& all, const DeviceChoice& device, std::uint64_t seed, int epochs,
           Sequential<float>& model, Results& results, Profile* profile) {
  const auto& data = variant.standardised ? all.standardised : all.pixels;
  const auto [history, trained] =
      device.gpu ? train_on_gpu(model, variant, data, seed, epochs, profile) : train_on(model, data, seed, epochs, profile);
  if (examples::interrupted()) return nullptr;
  const Index trainable = model.parameters().trainable_count(), state = model.parameters().state_count();
  Json tree{{"epochs", examples::to_json(history)},
            {"parameters", {{"total", trainable + state}, {"trainable", trainable}, {"non_trainable", state}}}};
  tree["train_accuracy_in_inference"] = *trained.accuracy;
  tree["train_loss_in_inference"] = trained.loss;
  if (variant.options.hidden_batch_norm) tree["batch_normalization"] = batch_norms(model);
  results.fingerprint(variant.name + ", seed " + std::to_string(seed), model);
  return tree;
}

/// Puts a finished training into the trees that the JSON file holds, as the published figures are structured.
void keep(Results& results, const Variant& variant, const Json& run, int repeat, const examples::Options& options) {
  for (const Form form : {Form::published, Form::corrected}) {
    const bool is_published = &variant < &variants[published_variants];
    if (!options.wants(form) || (form == Form::published && !is_published)) continue;
    Json& tree = results.at(form, repeat);
    tree[variant.name] = run;
    tree[variant.name].erase("parameters");
    tree["parameters"][variant.name] = run["parameters"];
    if (variant.name == "batchnorm_input_and_hidden") {
      const Json &input = run["batch_normalization"][0], &first = run["batch_normalization"][1]["moving_mean"];
      tree["input_batchnorm"] = {{"moving_mean", input["moving_mean"][0]},
                                 {"moving_variance", input["moving_variance"][0]},
                                 {"block1_moving_mean_first_three", {first[0], first[1], first[2]}}};
    }
  }
}

// What came out ---------------------------------------------------------------------------------------------------------

/// The last epoch's figure of every run of a variant.
std::vector<double> last(const Runs& runs, const std::string& variant, const std::string& key) {
  std::vector<double> values;
  if (const auto found = runs.find(variant); found != runs.end())
    for (const Json& run : found->second) values.push_back(run["epochs"].back()[key]);
  return values;
}

void report_agreement(Results& results, const Json& published, const Runs& runs, bool as_published) {
  std::vector<Agreement> rows;
  for (std::size_t i = 0; i < published_variants; ++i)
    for (const auto& [key, figure] : last_figures) {
      const auto values = last(runs, variants[i].name, key);
      if (values.empty()) continue;
      rows.push_back(
          Agreement::of_runs(variants[i].label + ", " + figure, published[variants[i].name]["epochs"].back()[key], values, 4));
    }
  const auto outside = std::count_if(rows.begin(), rows.end(), [](const Agreement& row) { return row.verdict == "no"; });
  for (Agreement& row : rows)
    if (row.verdict == "no")
      row.why = outside == 1
                    ? "no reason was found in the procedure; of " + std::to_string(rows.size()) +
                          " figures one outside is what chance gives."
                    : "no reason was found in the procedure; " + std::to_string(outside) + " of " + std::to_string(rows.size()) +
                          " figures lie outside, where chance gives one (the figures of one variant go together).";
  if (!rows.empty())
    results.agreement("problem3_published", "The last epoch, published (the tenth) and ours", rows, as_published);
}

/// Mean and deviation over the units of each layer's parameters, for the variant whose 904 values were published.
void report_batch_norm(Results& results, const Json& published, const Runs& runs, bool as_published) {
  const auto found = runs.find(variants[0].name);
  if (found == runs.end()) return;
  std::vector<Agreement> rows;
  std::vector<std::vector<double>> values;
  const Json& theirs = published[variants[0].name]["batch_normalization"];
  for (std::size_t layer = 0; layer < theirs.size(); ++layer)
    for (std::size_t p = 0; p < norm_parameters.size(); ++p) {
      const auto expected = theirs[layer][norm_parameters[p]].get<std::vector<double>>();
      std::vector<double> means, deviations;
      std::vector<std::vector<double>> units(expected.size());
      for (const Json& run : found->second) {
        const auto ours = run["batch_normalization"][layer][norm_parameters[p]].get<std::vector<double>>();
        means.push_back(examples::mean(ours));
        deviations.push_back(examples::deviation(ours));
        for (std::size_t unit = 0; unit < units.size(); ++unit) units[unit].push_back(ours[unit]);
      }
      for (std::size_t unit = 0; unit < units.size(); ++unit)
        values.push_back({static_cast<double>(layer + 1), static_cast<double>(p), static_cast<double>(unit), expected[unit],
                          examples::median(units[unit])});
      const std::string name = "block " + std::to_string(layer + 1) + ", " + norm_parameters[p];
      // A tanh unit and its mirror image do the same, with beta and the moving mean of the other sign.
      const bool symmetric = norm_parameters[p] == "beta" || norm_parameters[p] == "moving_mean";
      const double scatter = examples::median(deviations) / std::sqrt(static_cast<double>(expected.size()));
      const std::string chance = "no reason was found in the procedure; of so many figures a few outside are what chance gives.";
      const std::string why = !symmetric
                                  ? chance
                                  : "by symmetry such a mean scatters around 0, by " + fixed(scatter, 4) +
                                        " if units are independent; our runs " +
                                        (examples::deviation(means) < 0.5 * scatter
                                             ? "happen to lie closer together than that, so that the interval is too narrow."
                                             : "scatter about as much, and the published one lies further out.");
      rows.push_back(Agreement::of_runs(name + ", mean over units", examples::mean(expected), means, 4, why));
      rows.push_back(Agreement::of_runs(name + ", deviation", examples::deviation(expected), deviations, 4, chance));
    }
  results.data("problem3_batch_norm_values",
               {"block", "parameter (0 gamma, 1 beta, 2 moving mean, 3 moving variance)", "unit", "published", "ours (median)"},
               values);
  const auto second = runs.find(variants[1].name);
  if (second != runs.end())
    for (const std::string parameter : {"moving_mean", "moving_variance"}) {
      std::vector<double> ours;
      for (const Json& run : second->second) ours.push_back(run["batch_normalization"][0][parameter][0]);
      rows.push_back(Agreement::of_runs("input, " + parameter, published["input_batchnorm"][parameter], ours, 6,
                                        "the input's statistics hardly depend on the run, so the interval is narrow; the order "
                                        "of the samples in the last epoch moves them."));
    }
  results.agreement("problem3_batch_norm", "The batch norms' parameters, published and ours", rows, as_published);
}

/// "A is better than B in test accuracy", or that the runs do not tell them apart: by the differences of runs that share their seed.
std::string ranking(const Runs& runs, const Variant& first, const Variant& second, const std::string& key,
                    const std::string& figure) {
  const examples::Paired pair = examples::paired(last(runs, first.name, key), last(runs, second.name, key));
  const std::string names = "\"" + first.label + "\" and \"" + second.label + "\"";
  if (!pair.interval) return figure + " of " + names + ": one run each does not rank them.";
  const std::string numbers = " (difference of the means " + fixed(pair.difference, 4) + ", 95 % interval " +
                              fixed(pair.interval->low, 4) + " to " + fixed(pair.interval->high, 4) + ", " +
                              std::to_string(pair.runs) + " seeds).";
  if (!pair.told_apart()) return figure + " does not tell " + names + " apart" + numbers;
  return figure + " of \"" + first.label + "\" is " + (pair.first_is_higher() ? "higher" : "lower") + " than that of \"" +
         second.label + "\"" + numbers;
}

void report_findings(Results& results, const Data& data, const Runs& runs) {
  const auto& [hidden, both, dropout, dropout_norm, standardised] =
      std::tie(variants[0], variants[1], variants[2], variants[3], variants[4]);
  const auto add = [&](const std::string& name, const Variant& first, const Variant& second) {
    if (!runs.contains(first.name) || !runs.contains(second.name)) return;
    results.finding(name + "_accuracy", ranking(runs, first, second, "val_accuracy", "Test accuracy"));
    results.finding(name + "_loss", ranking(runs, first, second, "val_loss", "Test loss"));
  };
  add("input_norm", both, hidden);
  add("norm_with_dropout", dropout_norm, dropout);
  add("dropout_with_norm", dropout_norm, both);
  add("standardised", standardised, hidden);
  add("standardised_or_norm", standardised, both);
  if (runs.contains(hidden.name) && runs.contains(dropout.name)) {
    std::vector<double> first;
    for (const Json& run : runs.at(hidden.name)) first.push_back(run["epochs"].front()["loss"]);
    results.finding("speed", "\"" + hidden.label + "\" has a training loss of " + fixed(examples::median(first), 3) +
                                 " over its first epoch, \"" + dropout.label + "\" one of " +
                                 fixed(examples::median(last(runs, dropout.name, "loss")), 3) + " over its last (medians).");
  }
  if (runs.contains(hidden.name) && runs.contains(both.name)) {
    const auto gap = [&](const Variant& variant) {
      return "\"" + variant.label + "\" ends with a training loss of " +
             fixed(examples::median(last(runs, variant.name, "loss")), 3) + " and a test loss of " +
             fixed(examples::median(last(runs, variant.name, "val_loss")), 3);
    };
    results.finding("overfitting", "Without dropout: " + gap(hidden) + ", " + gap(both) + " (medians).");
    const examples::Paired pair =
        examples::paired(last(runs, both.name, "val_accuracy"), last(runs, hidden.name, "val_accuracy"));
    results.finding(
        "published_conclusion",
        !pair.told_apart() ? "Our runs do not decide whether the second variant is better than the first on the test images."
        : pair.first_is_higher()
            ? "Our runs say that the second variant is better than the first on the test images: the published text's conclusion "
              "holds, although its own numbers said the opposite."
            : "Our runs say that the first variant is better than the second on the test images: the published text's conclusion "
              "does not hold.");
  }
  if (const auto found = runs.find(both.name); found != runs.end()) {
    std::vector<double> means, variances;
    for (const Json& run : found->second) {
      means.push_back(run["batch_normalization"][0]["moving_mean"][0]);
      variances.push_back(run["batch_normalization"][0]["moving_variance"][0]);
    }
    results.finding("input_statistics", "The batch norm at the input ends with a moving mean of " +
                                            fixed(examples::median(means), 5) + " and a moving variance of " +
                                            fixed(examples::median(variances), 5) +
                                            " (medians); those of all training pixels are " + fixed(data.mean, 5) + " and " +
                                            fixed(data.variance, 5) + ".");
  }
  for (const Variant* variant : {&dropout, &dropout_norm}) {
    const auto found = runs.find(variant->name);
    if (found == runs.end()) continue;
    std::vector<double> with, without, test;
    for (const Json& run : found->second) {
      with.push_back(run["epochs"].back()["accuracy"]);
      without.push_back(run["train_accuracy_in_inference"]);
      test.push_back(run["epochs"].back()["val_accuracy"]);
    }
    results.finding(variant->name + "_training",
                    "\"" + variant->label + "\": the training accuracy is " + fixed(examples::median(with), 4) +
                        " as measured in training, with units dropped and weights still moving, and " +
                        fixed(examples::median(without), 4) + " for the same images with nothing dropped; the test accuracy is " +
                        fixed(examples::median(test), 4) + " (" + std::string{test.size() == 1 ? "" : "medians of "} +
                        std::to_string(test.size()) + (test.size() == 1 ? " run)." : " runs)."));
  }
}

// Pictures --------------------------------------------------------------------------------------------------------------

/// A figure by epoch for every variant: median over the runs, and all of them between the smallest and the largest.
void draw_curves(Results& results, const Json& published, const Runs& runs, const std::string& name, const std::string& title,
                 const std::string& caption, const std::string& label, const std::string& key, const std::string& range) {
  Figure figure{name, title, caption, 760, 470};
  figure << "set multiplot layout 1,2\nset xlabel 'epoch' offset 0,0.6\nset style fill transparent solid 0.2 noborder\nset xtics "
            "1\nset "
            "logscale y\n"
            "set key outside bottom center horizontal maxcols 1 font ',11'";
  for (const std::string prefix : {"", "val_"}) {
    std::string plot, theirs;
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const auto found = runs.find(variants[v].name);
      if (found == runs.end()) continue;
      std::vector<std::vector<double>> rows, old;
      for (std::size_t epoch = 0; epoch < found->second[0]["epochs"].size(); ++epoch) {
        std::vector<double> values;
        for (const Json& run : found->second) values.push_back(run["epochs"][epoch][prefix + key]);
        if (key == "accuracy")
          for (double& value : values) value = 1 - value;
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        rows.push_back({static_cast<double>(epoch + 1), examples::median(values), *low, *high});
        if (v < published_variants && epoch < 10) {
          const double value = published[variants[v].name]["epochs"][epoch][prefix + key];
          old.push_back({static_cast<double>(epoch + 1), key == "accuracy" ? 1 - value : value});
        }
      }
      const std::string block = "v" + std::to_string(v) + (prefix.empty() ? "train" : "test"),
                        colour = " lt " + std::to_string(v + 1);
      figure.data(block, rows);
      figure.data(block + "old", old.empty() ? std::vector<std::vector<double>>{{NAN, NAN}} : old);
      plot += (plot.empty() ? "" : ", ") + ("$" + block) + " using 1:3:4 with filledcurves" + colour + " notitle, $" + block +
              " using 1:2 with lines" + colour + " title '" + variants[v].label + "', $" + block + "old using 1:2 with points" +
              colour + " pt 2 ps 0.6 notitle";
    }
    figure << "set ylabel '" + label + "'\nset title '" + (prefix.empty() ? "training" : "test") + "'\nset yrange " + range +
                  "\nplot " + plot;
  }
  figure << "unset multiplot";
  results.figure(figure);
}

/// One point a run, one cross for the published run.
void draw_ranking(Results& results, const Json& published, const Runs& runs) {
  Figure figure{"problem3_ranking", "Test accuracy after the last epoch, run by run",
                "One dot for each seed, a cross for the published run. Where the dots of two variants overlap, one run of each "
                "cannot rank them.",
                720, 380};
  std::vector<std::vector<double>> dots, crosses;
  std::string tics;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const auto values = last(runs, variants[v].name, "val_accuracy");
    for (std::size_t i = 0; i < values.size(); ++i)
      dots.push_back({static_cast<double>(v + 1) + 0.05 * (static_cast<double>(i) - 0.5 * static_cast<double>(values.size() - 1)),
                      100 * values[i]});
    if (v < published_variants)
      crosses.push_back(
          {static_cast<double>(v + 1), 100 * published[variants[v].name]["epochs"].back()["val_accuracy"].get<double>()});
    std::string label = variants[v].label;
    if (const auto comma = label.find(", "); comma != std::string::npos) label.replace(comma, 2, ",\\n");
    tics += (v ? ", " : "") + ("\"" + label) + "\" " + std::to_string(v + 1);
  }
  figure.data("dots", dots).data("crosses", crosses);
  figure << "set bmargin 3.5\nset xrange [0.5:5.5]\nset ylabel 'test accuracy in %'\nset xtics (" + tics +
                ") scale 0\nset key bottom right\n"
                "plot $dots with points lt 1 pt 7 ps 0.7 title 'our runs', $crosses with points lt 4 pt 2 ps 1.1 lw 2 title "
                "'published run'";
  results.figure(figure);
}

/// Violins of a batch norm's parameter, a pair a layer: the published units beside those of all our runs.
void draw_batch_norm(Results& results, const Json& published, const Runs& runs, const std::string& name, const std::string& title,
                     const std::string& caption, const std::vector<std::pair<std::string, std::string>>& panels) {
  const auto found = runs.find(variants[0].name);
  if (found == runs.end()) return;
  Figure figure{name, title, caption, 760, 400};
  figure << "set multiplot layout 1,2\nset xtics ('6 maps' 1.5, '16 maps' 3.5, '120 maps' 5.5, '84 units' 7.5) scale 0\nset "
            "xrange [0.3:8.7]\n"
            "set key outside bottom center horizontal";
  for (const auto& [parameter, label] : panels) {
    std::vector<std::vector<double>> theirs(8), ours(8);
    for (std::size_t layer = 0; layer < 4; ++layer) {
      theirs[2 * layer] = published[variants[0].name]["batch_normalization"][layer][parameter].get<std::vector<double>>();
      for (const Json& run : found->second)
        for (const Json& value : run["batch_normalization"][layer][parameter]) ours[2 * layer + 1].push_back(value);
    }
    figure.violin_data(parameter + "_published", theirs);
    figure.violin_data(parameter, ours);
    figure << "set ylabel '" + label + "'\nplot " + Figure::violins("$" + parameter + "_published", 2) + ", " +
                  Figure::violins("$" + parameter, 1) +
                  ", NaN with lines lt 2 lw 6 title 'published', NaN with lines lt 1 lw 6 title 'ours'";
  }
  figure << "unset multiplot";
  results.figure(figure);
}

/// How often which digit is taken for which, and the images that the model is most wrongly sure of.
void draw_mistakes(Results& results, const Sequential<float>& model, const Dataset& test) {
  const Tensor<float> logits = model.predict(test.inputs);
  const Tensor<std::int32_t> counts = confusion_matrix(logits, test.targets);
  Figure matrix{"problem3_confusion", "Which digit is taken for which",
                "Rows: the digit in the image; columns: what the model with batch norm at input and hidden layers says, first "
                "seed. The colours show mistakes alone, the diagonal is left white.",
                560, 500};
  std::vector<std::vector<double>> cells;
  examples::Rows rows{{"digit", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
  for (Index row = 0; row < 10; ++row) {
    rows.push_back({std::to_string(row)});
    for (Index column = 0; column < 10; ++column) {
      const std::int32_t count = counts[row * 10 + column];
      rows.back().push_back(std::to_string(count));
      cells.push_back(
          {static_cast<double>(column), static_cast<double>(row), row == column ? 0.0 : count, static_cast<double>(count)});
    }
  }
  results.table("problem3_confusion", "Test images by digit (rows) and prediction (columns)", rows);
  matrix.data("cells", cells);
  matrix << "unset key\nunset grid\nset border 0\nset size square\nset xrange [-0.5:9.5]\nset yrange [9.5:-0.5]\nset xtics 1 "
            "scale 0\nset ytics 1 scale 0\n"
            "set xlabel 'predicted digit'\nset ylabel 'digit in the image'\nset palette defined (0 '#ffffff', 1 '#f6c9a8', 2 "
            "'#ee7733', 3 '#a03a10')\n"
            "set cblabel 'mistakes'\nplot $cells using 1:2:3 with image, "
            "$cells using 1:2:(sprintf('%d', $4)) with labels font ',11' textcolor rgb '#202020'";
  results.figure(matrix);

  struct Mistake {
    Index image;
    Index said;
    double probability;
  };
  std::vector<Mistake> mistakes;
  for (Index i = 0; i < test.size(); ++i) {
    const float* y = logits.data() + i * 10;
    const Index said = std::max_element(y, y + 10) - y;
    if (said == static_cast<Index>(test.targets.at(i))) continue;
    double sum = 0;
    for (Index k = 0; k < 10; ++k) sum += std::exp(static_cast<double>(y[k] - y[said]));
    mistakes.push_back({i, said, 1 / sum});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.probability > b.probability; });
  if (mistakes.size() > 12) mistakes.resize(12);
  Figure images{"problem3_mistakes", "The worst mistakes",
                "The test images that the same model is wrong about and most sure of. Above each: the digit, what the model "
                "says, and the probability it gives to that.",
                720, 320};
  images << "set multiplot layout 2,6 margins 0.01,0.99,0.02,0.92 spacing 0.015,0.11\nunset key\nunset tics\nunset border\nunset "
            "grid\nunset colorbox\nset palette gray\nset cbrange [0:1]\n"
            "set size ratio -1\nset xrange [-0.5:27.5]\nset yrange [27.5:-0.5]";
  for (std::size_t m = 0; m < mistakes.size(); ++m) {
    std::vector<std::vector<double>> pixels;
    for (Index p = 0; p < 784; ++p)
      pixels.push_back({static_cast<double>(p % 28), static_cast<double>(p / 28), test.inputs.at(mistakes[m].image * 784 + p)});
    const std::string block = "image" + std::to_string(m);
    images.data(block, pixels);
    images << "set title '" + fixed(test.targets.at(mistakes[m].image), 0) + " as " + std::to_string(mistakes[m].said) + ", " +
                  fixed(mistakes[m].probability, 2) + "' offset 0,-0.8\nplot $" + block + " using 1:2:3 with image";
  }
  images << "unset multiplot";
  results.figure(images);
}

// -----------------------------------------------------------------------------------------------------------------------

int problem3(const examples::Options& options) {
  const DeviceChoice device = choose_device(options.device);
  const Json published = examples::published("problem3");
  Results results{options, "problem3", "Problem 3: batch normalisation and dropout in LeNet-5 on MNIST."};
  const Data data = load(options);
  const int epochs = options.epochs ? options.epochs : options.quick ? 5 : 10;
  const int repeats = options.repeats ? options.repeats : options.quick ? 1 : 5;
  results.run_info() = {{"device", device.name()},
                        {"epochs", epochs},
                        {"training_images", data.pixels.train.size()},
                        {"test_images", data.pixels.test.size()}};
  std::cout << data.pixels.train.size() << " training and " << data.pixels.test.size() << " test images, " << epochs
            << " epochs, batch 128, SGD 0.01; " << repeats << (repeats == 1 ? " run" : " runs") << " of each variant.\n"
            << examples::place(device) << '\n';

  Runs runs;
  results.part("3", "LeNet-5 with batch normalisation and dropout", [&] {
    const std::size_t count = options.wants(Form::corrected) ? variants.size() : published_variants;
    std::optional<Sequential<float>> looked_at;  // whose mistakes are shown
    examples::Rows sizes{{"variant", "parameters", "trainable", "not trainable", "published", "s an epoch", "published"}};
    for (int repeat = 0; repeat < repeats && !examples::interrupted(); ++repeat)
      for (std::size_t v = 0; v < count && !examples::interrupted(); ++v) {
        const Variant& variant = variants[v];
        const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(repeat);
        Sequential<float> model = examples::lenet(variant.options);
        if (repeat == 0) std::cout << '\n' << variant.name << '\n' << model.summary();
        std::cout << '\n' << variant.name << ", run " << repeat + 1 << " of " << repeats << " (seed " << seed << ")\n";
        const Json run = train(variant, data, device, seed, epochs, model, results, options.profile(variant.name));
        if (run.is_null()) break;
        runs[variant.name].push_back(run);
        keep(results, variant, run, repeat, options);
        if (v == 1 && repeat == 0) looked_at = model;
        if (repeat == 0) {
          const Json& p = run["parameters"];
          std::vector<double> seconds;
          for (const Json& epoch : run["epochs"]) seconds.push_back(epoch["seconds"]);
          const bool is_published = v < published_variants;
          sizes.push_back({variant.label, p["total"].dump(), p["trainable"].dump(), p["non_trainable"].dump(),
                           is_published ? published["parameters"][variant.name]["total"].dump() : "-",
                           fixed(examples::median(seconds), 2),
                           is_published ? published[variant.name]["epochs"].back()["seconds"].dump() + " (GPU)" : "-"});
        }
      }
    if (runs.empty()) return;
    results.table("problem3_parameters", "Parameters of the variants, and seconds an epoch with its validation, first seed",
                  sizes);
    if (options.wants(Form::published)) {
      report_agreement(results, published, runs, epochs == 10);
      report_batch_norm(results, published, runs, epochs == 10);
    }
    report_findings(results, data, runs);
    const std::string bands =
        " Lines: median over the runs, bands: smallest to largest, crosses: the published run. The axis is logarithmic.";
    draw_curves(results, published, runs, "problem3_losses", "Loss by epoch", "Cross-entropy, in nats." + bands, "loss", "loss",
                "[*:*]");
    draw_curves(
        results, published, runs, "problem3_errors", "Share of wrong answers by epoch",
        "1 - accuracy. With dropout the training share is measured while units are dropped, so it lies above the test share." +
            bands,
        "1 - accuracy", "accuracy", "[0.008:1]");
    draw_ranking(results, published, runs);
    draw_batch_norm(results, published, runs, "problem3_moving_statistics", "Moving means and variances by layer",
                    "Of the first variant: one violin for the published units, one for the units of all our runs, of each block.",
                    {{"moving_mean", "moving mean"}, {"moving_variance", "moving variance"}});
    draw_batch_norm(results, published, runs, "problem3_gamma_beta", "Learnt scales and shifts by layer",
                    "Training begins with gamma 1 and beta 0: what they are now is what was learnt.",
                    {{"gamma", "gamma"}, {"beta", "beta"}});
    if (looked_at) draw_mistakes(results, *looked_at, data.pixels.test);
  });
  results.write();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run(argc, argv, "problem3_lenet",
                       "Problem 3 of the assignment: batch normalisation and dropout in LeNet-5 on MNIST, in five variants.",
                       problem3, {"3"}, "");
}
