// SPDX-License-Identifier: MIT
// Problem 2: what the initial weights do to activations and gradients, and how ReLU networks die.
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <span>

#include <nlohmann/json.hpp>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>
#include "common/program.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"

namespace {

using examples::Agreement;
using examples::Figure;
using examples::fixed;
using examples::Form;
using examples::Interval;
using examples::Json;
using examples::Options;
using examples::percent;
using examples::Results;
using examples::Rows;
using namespace tarn;

std::string text(Index number) { return std::to_string(number); }
std::string text(const Interval& interval, int decimals) {
  return fixed(interval.low, decimals) + " to " + fixed(interval.high, decimals);
}
/// Three significant digits, for numbers of any size.
std::string significant(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3g", value);
  return buffer;
}

/// The legend of a picture of several panels, below them all. An entry is what `plot` says of a line: "lines lt 1 title 'a'".
std::string legend(const std::vector<std::string>& entries) {
  std::string plot;
  for (const std::string& entry : entries) plot += (plot.empty() ? "plot NaN with " : ", NaN with ") + entry;
  return "set lmargin at screen 0.02\nset rmargin at screen 0.98\nset bmargin at screen 0\nset tmargin at screen 0.12\nunset "
         "border\nunset tics\n"
         "unset grid\nunset title\nunset xlabel\nunset ylabel\nunset logscale\nunset arrow\nset xrange [0:1]\nset yrange [0:1]\n"
         "set key center center horizontal\n" +
         plot + "\nunset multiplot";
}

// 2.1 Activations and gradients at initialisation -----------------------------------------------------------------------

constexpr Index hidden_layers = 5, units = 100, every = 20;
constexpr std::uint64_t keras_seed = 10;  // of the published run

/// One of the thirteen networks.
struct Setting {
  std::string function, kernel;  // as in "tanh", "normal_0.05"
  Activation activation;
  Initializer initializer;

  std::string key() const { return kernel + '_' + function; }
  std::string kernel_title() const {
    return kernel == "he_normal" ? "He" : kernel == "glorot_normal" ? "Glorot" : "N(0, " + kernel.substr(7) + ")";
  }
  std::string title() const { return (function == "relu" ? "ReLU" : function) + ", " + kernel_title(); }
};
const std::vector<std::string> functions{"tanh", "sigmoid", "relu"};
std::string function_title(const std::string& function) { return function == "relu" ? "ReLU" : function; }

/// Those with this activation function.
std::vector<Setting> settings_with(const std::string& function) {
  const Activation activation = function == "tanh" ? Activation{Tanh{}} : function == "relu" ? Activation{ReLU{}} : Sigmoid{};
  std::vector<Setting> settings{{function, "normal_0.05", activation, Normal{.stddev = 0.05}},
                                {function, "normal_0.10", activation, Normal{.stddev = 0.10}},
                                {function, "normal_0.20", activation, Normal{.stddev = 0.20}},
                                {function, "glorot_normal", activation, GlorotNormal{}}};
  if (function == "relu") settings.push_back({function, "he_normal", activation, HeNormal{}});
  return settings;
}

std::string hidden(Index layer) { return "hidden_" + text(layer); }

/// Dense(100) without activation, five times Dense(100) with it, Dense(10); the softmax is part of the loss. Nothing is trained.
Sequential<float> network(const Setting& setting, const Initializer& kernels) {
  std::vector<LayerSpec<>> layers{Flatten{}, Named{"first", Dense{.units = units, .kernel_initializer = kernels}}};
  for (Index layer = 1; layer <= hidden_layers; ++layer)
    layers.push_back(
        Named{hidden(layer), Dense{.units = units, .activation = setting.activation, .kernel_initializer = kernels}});
  layers.push_back(Named{"logits", Dense{.units = 10, .kernel_initializer = kernels}});
  return {Input{28, 28, 1}, layers};
}

/// What is collected of one hidden layer: every 20th value.
struct Collected {
  std::vector<double> activations;
  std::vector<double> gradients;  // of an image's own loss by the layer's output
};

std::vector<double> every_20th(const Tensor<float>& values, double scale = 1) {
  std::vector<double> collected;
  for (Index i = 0; i < values.size(); i += every) collected.push_back(scale * static_cast<double>(values[i]));
  return collected;
}

/// One forward pass over all images; one backward pass, of the cross-entropy with the true labels, over the first ones.
std::vector<Collected> collect(Sequential<float>& model, const Dataset& images, Index gradient_images) {
  const Dataset first = images.take(0, std::min(gradient_images, images.size()));
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}};
  const auto diagnosis = trainer.diagnose(first, {.keep_values = true});
  std::vector<Collected> layers;
  for (Index layer = 1; layer <= hidden_layers; ++layer)
    layers.push_back({every_20th(model.outputs(hidden(layer), images.inputs)),
                      // The loss is the mean over the batch: times its size, a row is the gradient of that image's loss.
                      every_20th(diagnosis.layer(hidden(layer)).gradient_values, static_cast<double>(first.size()))});
  return layers;
}

double root_mean_square(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = examples::mean(a), mean_b = examples::mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}
double share(const std::vector<double>& values, const std::function<bool(double)>& is) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), is)) / static_cast<double>(values.size());
}
bool saturated(const Setting& setting, double y) {
  return setting.function == "tanh" ? std::abs(y) > 0.99 : setting.function == "sigmoid" && (y < 0.01 || y > 0.99);
}
/// The function's slope where its value is y.
double slope(const Setting& setting, double y) {
  return setting.function == "tanh" ? 1 - y * y : setting.function == "sigmoid" ? y * (1 - y) : y > 0 ? 1 : 0;
}

/// How the gradient changes from a hidden layer to the one below, as a factor: measured from layer 5 to layer 1, and what it
/// would be if kernels and slopes were independent, (deviation of the kernel) x sqrt(units) x (root mean square of the slope).
struct Factor {
  double measured = 1, kernel = 1, slope = 1;
  double expected() const { return kernel * slope; }
};

Factor gradient_factor(const Setting& setting, const Sequential<float>& model, const std::vector<Collected>& layers) {
  constexpr double steps = hidden_layers - 1;
  Factor factor;
  for (Index layer = 2; layer <= hidden_layers; ++layer) {
    const auto weights = model.weights(hidden(layer) + "/kernel");
    std::vector<double> kernel(weights.data(), weights.data() + weights.size()), slopes;
    for (const double y : layers[static_cast<std::size_t>(layer - 1)].activations) slopes.push_back(slope(setting, y));
    factor.kernel *= std::pow(root_mean_square(kernel) * std::sqrt(double{units}), 1 / steps);
    factor.slope *= std::pow(root_mean_square(slopes), 1 / steps);
  }
  factor.measured = std::pow(root_mean_square(layers.front().gradients) / root_mean_square(layers.back().gradients), 1 / steps);
  return factor;
}

Json statistics(std::vector<double> values) {
  const double mean = examples::mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  std::sort(values.begin(), values.end());
  Json quantiles = Json::array();
  for (const double q : {0.05, 0.25, 0.5, 0.75, 0.95}) quantiles.push_back(examples::quantile_of_sorted(values, q));
  return {{"mean", mean},
          {"standard_deviation", std::sqrt(squares / static_cast<double>(values.size()))},
          {"zero_share", share(values, [](double value) { return value == 0; })},
          {"quantiles", quantiles}};
}

/// One setting looked at.
struct Look {
  Setting setting;
  std::vector<Collected> layers;  // emptied when they have been drawn
  Factor factor;
  Json tree = Json::object();

  /// Deviation of the gradient that arrives at layer 1 to 5.
  double gradient(Index layer) const {
    return tree["layers"][static_cast<std::size_t>(layer - 1)]["gradient"]["standard_deviation"];
  }
};
using Looks = std::vector<Look>;

Look look_at(const Setting& setting, Sequential<float>& model, const Dataset& images, Index gradient_images) {
  Look look{setting, collect(model, images, gradient_images), {}};
  look.factor = gradient_factor(setting, model, look.layers);
  Json list = Json::array();
  for (const Collected& collected : look.layers) {
    const std::vector<double>& y = collected.activations;
    Json layer{{"layer", list.size() + 1}, {"first_five", std::vector<double>(y.begin(), y.begin() + 5)}};
    layer.update(statistics(y));
    layer["saturated_share"] = share(y, [&](double value) { return saturated(setting, value); });
    layer["gradient"] = statistics(collected.gradients);
    list.push_back(layer);
  }
  look.tree = {{"activation", setting.function},
               {"layers", list},
               {"correlation_of_layers_4_and_5", correlation(look.layers[3].activations, look.layers[4].activations)},
               {"gradient_factor",
                {{"measured", look.factor.measured},
                 {"kernel", look.factor.kernel},
                 {"slope", look.factor.slope},
                 {"expected", look.factor.expected()}}}};
  return look;
}

/// Violins of all settings with one activation function, a column each: activations above, gradients below.
void draw_violins(Results& results, const std::string& form, const std::string& function, const Looks& looks,
                  const std::string& kernels) {
  Figure figure{"problem2_" + form + '_' + function, function_title(function) + ": activations and gradients, " + kernels,
                "One violin a hidden layer, as wide as values are frequent (the middle 99 %); dot: median, bar: quartiles. "
                "Above: activations. Below: gradient of each image's loss that arrives "
                "at the layer; it travels from layer 5 to layer 1.",
                function == "relu" ? 990 : 830, 500};
  figure << "set multiplot layout 2," + text(static_cast<Index>(looks.size())) +
                " columnsfirst margins 0.1,0.99,0.115,0.93 spacing 0.048,0.07\nset xrange [0.4:5.6]\nset xtics 1,1,5 scale "
                "0\nunset key\nset tics font ',11'\n"
                "set grid noxtics\nset ytics scale 0.5";
  // The middle 99 %, so that single values do not flatten the picture.
  const auto violins = [&](const std::string& block, int colour, std::vector<double> Collected::*values, const Look& look) {
    std::vector<std::vector<double>> groups;
    for (const Collected& layer : look.layers) {
      std::vector<double> sorted = layer.*values;
      std::sort(sorted.begin(), sorted.end());
      const auto cut = static_cast<Index>(sorted.size() / 200);
      groups.emplace_back(sorted.begin() + cut, sorted.end() - cut);
    }
    figure.violin_data(block, groups, 32);
    return "plot $" + block + " using 1:2 with filledcurves closed fs transparent solid 0.5 noborder lt " +
           std::to_string(colour) + ", $" + block + "_middle using 1:2:(0):($4-$2) with vectors nohead lt " +
           std::to_string(colour) + " lw 4, $" + block + "_middle using 1:3 with points pt 7 ps 0.4 lc rgb 'black'";
  };
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const Look& look = looks[i];
    const std::string n = std::to_string(i);
    const bool first = i == 0;
    const std::string range = function == "tanh" ? "[-1:1]" : function == "sigmoid" ? "[0:1]" : "[0:*]";
    figure << "set title '" + look.setting.kernel_title() + "' offset 0,-0.5\nset xlabel ''\nset ylabel '" +
                  (first ? "activation" : "") + "'\nset yrange " + range + '\n' +
                  violins("activations" + n, 1, &Collected::activations, look) +
                  "\nset title ''\nset xlabel 'hidden layer' offset 0,0.4\nset ylabel '" + (first ? "gradient" : "") +
                  "'\nset yrange [*:*]\n" + violins("gradients" + n, 2, &Collected::gradients, look);
  }
  figure << "unset multiplot";
  results.figure(figure);
}

/// Largest difference between a weight of hidden layer 1 and its fellow in another hidden layer.
double kernel_difference(const Sequential<float>& model) {
  double largest = 0;
  const auto first = model.weights(hidden(1) + "/kernel");
  for (Index layer = 2; layer <= hidden_layers; ++layer) {
    const auto other = model.weights(hidden(layer) + "/kernel");
    for (Index i = 0; i < first.size(); ++i) largest = std::max(largest, static_cast<double>(std::abs(first[i] - other[i])));
  }
  return largest;
}

/// All thirteen settings, as published (`seed` empty) or with independent kernels; fewer after Ctrl-C.
Looks look_at_all(Results& results, const Dataset& images, Index gradient_images, std::optional<std::uint64_t> seed,
                  bool pictures) {
  Looks all;
  double difference = 0;
  for (const std::string& function : functions) {
    Looks looks;
    for (const Setting& setting : settings_with(function)) {
      if (examples::interrupted()) return all;
      auto model = network(setting, seed ? setting.initializer : setting.initializer.keras_seeded(keras_seed));
      if (seed) model.initialize(*seed);
      looks.push_back(look_at(setting, model, images, gradient_images));
      difference = std::max(difference, kernel_difference(model));
      if (pictures) results.fingerprint("2.1 " + std::string{seed ? "corrected " : "published "} + setting.key(), model);
    }
    if (pictures)
      draw_violins(results, seed ? "corrected" : "published", function, looks, seed ? "independent kernels" : "as published");
    for (Look& look : looks) {
      look.layers.clear();
      all.push_back(std::move(look));
    }
  }
  if (!seed)
    results.finding(
        "same_kernels",
        "As published, the largest difference between any weight of hidden layer 1 and its fellow in layers 2 to 5 is " +
            significant(difference) + (difference == 0 ? ": the five layers are one layer, five times." : "."));
  return all;
}

void report_layers(Results& results, const std::string& name, const std::string& title, const Looks& looks) {
  Rows rows{{"setting", "layer", "mean", "deviation", "saturated", "zero", "gradient, deviation"}};
  for (const Look& look : looks)
    for (const Json& layer : look.tree["layers"])
      rows.push_back({look.setting.title(), layer["layer"].dump(), fixed(layer["mean"], 4), fixed(layer["standard_deviation"], 4),
                      percent(layer["saturated_share"]), percent(layer["zero_share"]),
                      significant(layer["gradient"]["standard_deviation"])});
  results.table(name, title, rows);
}

void report_first_five(Results& results, const Looks& published) {
  constexpr std::array figures{0.471986, 0.217645, -0.019485, -0.011170, -0.464690};
  Rows rows{{"unit", "published", "ours"}};
  double largest = 0;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const double ours = published[0].tree["layers"][0]["first_five"][i];
    largest = std::max(largest, std::abs(ours - figures[i]));
    rows.push_back({text(static_cast<Index>(i) * every), fixed(figures[i], 6), fixed(ours, 6)});
  }
  results.table("problem2_first_five", "tanh, N(0, 0.05), layer 1, image 0: the published activations and ours", rows);
  results.finding("first_five", std::string{"The five published activations are "} + (largest <= 1e-6 ? "" : "not ") +
                                    "reproduced to six decimals: the largest difference is " + significant(largest) + '.');
}

/// Something of one setting in each draw.
std::vector<double> of_draws(const std::vector<Looks>& draws, std::size_t setting,
                             const std::function<double(const Look&)>& value) {
  std::vector<double> values;
  for (const Looks& looks : draws) values.push_back(value(looks[setting]));
  return values;
}
std::string mean_text(const std::vector<double>& values) {
  const auto interval = examples::confidence_interval(values);
  return fixed(examples::mean(values), 3) + (interval ? " (" + text(*interval, 3) + ')' : "");
}

/// The gradient by layer: published and corrected, a panel for each activation function.
void draw_gradients(Results& results, const Looks& published, const std::vector<Looks>& corrected) {
  Figure figure{"problem2_gradients", "Gradient that arrives at each hidden layer",
                "Deviation of the gradient of an image's loss, on a logarithmic axis; read from right to left, as it travels. "
                "Solid: independent kernels (median of the draws); dashed: as published. "
                "A straight line is a constant factor a layer. Where it falls to the left the gradient vanishes, where it rises "
                "it explodes.",
                900, 440};
  figure << "set multiplot layout 1,3 margins 0.085,0.985,0.26,0.91 spacing 0.03,0\nset logscale y\nset xrange [0.7:5.3]\nset "
            "xtics 1,1,5\n"
            "set xlabel 'hidden layer'\nset yrange [5e-6:3]\nset pointintervalbox 0\nunset key";
  std::vector<std::string> entries;
  const Looks& any = corrected.empty() ? published : corrected[0];
  for (const std::string& function : functions) {
    std::string plot;
    int colour = 0;
    for (std::size_t i = 0; i < any.size(); ++i) {
      if (any[i].setting.function != function) continue;
      std::vector<std::vector<double>> solid, dashed;
      for (Index layer = 1; layer <= hidden_layers; ++layer) {
        if (!corrected.empty())
          solid.push_back({static_cast<double>(layer),
                           examples::median(of_draws(corrected, i, [&](const Look& look) { return look.gradient(layer); }))});
        if (!published.empty()) dashed.push_back({static_cast<double>(layer), published[i].gradient(layer)});
      }
      const std::string lt = std::to_string(++colour), n = std::to_string(i);
      if (!solid.empty())
        figure.data("solid" + n, solid), plot += (plot.empty() ? "" : ", ") + ("$solid" + n) + " with linespoints lt " + lt;
      if (!dashed.empty())
        figure.data("dashed" + n, dashed),
            plot += (plot.empty() ? "" : ", ") + ("$dashed" + n) + " with lines lw 1.5 dt 2 lt " + lt;
      if (function == "relu") entries.push_back("linespoints lt " + lt + " title '" + any[i].setting.kernel_title() + "'");
    }
    figure << "set title '" + function_title(function) + "'\n" +
                  (function == "tanh" ? "set ylabel 'deviation of the gradient'\nset format y '10^{%T}'"
                                      : "set ylabel ''\nset format y ''") +
                  "\nplot " + plot;
  }
  entries.push_back("lines lc rgb 'black' lw 1.5 dt 2 title 'as published'");
  figure << legend(entries);
  results.figure(figure);
}

/// The factors by which the gradient shrinks or grows from layer to layer, and what follows.
void report_factors(Results& results, const Looks& published, const std::vector<Looks>& draws) {
  const auto measured = [](const Look& look) { return look.factor.measured; };
  Rows rows{{"setting", "kernel: deviation x 10", "slope, root mean square", "their product",
             "measured (95 % interval of the mean)", "as published"}};
  Json& tree = results.at(Form::corrected, 0)["gradient_factors"];
  double furthest = 0;
  int within = 0;
  for (std::size_t i = 0; i < draws[0].size(); ++i) {
    const auto mean = [&](double Factor::*part) {
      return examples::mean(of_draws(draws, i, [&](const Look& look) { return look.factor.*part; }));
    };
    const std::vector<double> factors = of_draws(draws, i, measured);
    const double expected = examples::mean(of_draws(draws, i, [](const Look& look) { return look.factor.expected(); }));
    const Setting& setting = draws[0][i].setting;
    furthest = std::max(furthest, std::abs(examples::mean(factors) / expected - 1));
    if (const auto one_more = examples::prediction_interval(factors); one_more && !published.empty())
      within += one_more->contains(published[i].factor.measured);
    rows.push_back({setting.title(), fixed(mean(&Factor::kernel), 3), fixed(mean(&Factor::slope), 3), fixed(expected, 3),
                    mean_text(factors), published.empty() ? "-" : fixed(published[i].factor.measured, 3)});
    tree[setting.key()] = {{"draws", factors.size()},
                           {"mean", examples::mean(factors)},
                           {"standard_deviation", examples::deviation(factors)},
                           {"expected", expected}};
  }
  results.table("problem2_factors",
                "Factor on the gradient from a hidden layer to the one below, independent kernels, " +
                    text(static_cast<Index>(draws.size())) + " draws",
                rows);

  const auto factors = [&](const std::string& key) {
    for (std::size_t i = 0; i < draws[0].size(); ++i)
      if (draws[0][i].setting.key() == key) return of_draws(draws, i, measured);
    throw std::logic_error("no setting " + key);
  };
  const auto factor = [&](const std::string& key) { return mean_text(factors(key)); };
  const auto over_ten = [&](const std::string& key) { return significant(std::pow(examples::mean(factors(key)), 10)); };
  const std::string brackets = "95 % intervals of the mean of " + text(static_cast<Index>(draws.size())) + " draws in brackets";
  results.finding("product",
                  "In all thirteen settings the measured factor, as a mean over the draws, lies within " + percent(furthest) +
                      " of the product of the kernel's deviation, the root of 100 units and the root mean square of the slope.");
  results.finding("vanishing", "From a layer to the one below, tanh multiplies the gradient by " + factor("normal_0.05_tanh") +
                                   " with N(0, 0.05), by " + factor("glorot_normal_tanh") + " with Glorot and by " +
                                   factor("normal_0.20_tanh") + " with N(0, 0.20); " + brackets +
                                   ". Over ten layers that would be " + over_ten("normal_0.05_tanh") + ", " +
                                   over_ten("glorot_normal_tanh") + " and " + over_ten("normal_0.20_tanh") + '.');
  for (std::size_t i = 0; i < draws[0].size(); ++i) {
    if (draws[0][i].setting.key() != "normal_0.20_tanh") continue;
    const auto saturated = [&](std::size_t layer) {
      return percent(
          examples::median(
              of_draws(draws, i, [&](const Look& look) { return look.tree["layers"][layer]["saturated_share"].get<double>(); })),
          0);
    };
    const double ratio =
        examples::median(of_draws(draws, i, [](const Look& look) { return look.gradient(1) / look.gradient(hidden_layers); }));
    results.finding("saturation", "With N(0, 0.20) " + saturated(0) + " of the tanh values in layer 1 and " + saturated(4) +
                                      " in layer 5 are saturated, and the gradient that arrives at layer 1 is " +
                                      fixed(ratio, 1) + " times that at layer 5 (medians of the draws).");
  }
  double largest = 0;
  for (const Setting& setting : settings_with("sigmoid")) largest = std::max(largest, examples::mean(factors(setting.key())));
  results.finding("sigmoid", "With the sigmoid none of the four kernels gives a factor above " + fixed(largest, 3) +
                                 "; with Glorot it is " + factor("glorot_normal_sigmoid") + ", over ten layers " +
                                 over_ten("glorot_normal_sigmoid") + '.');
  const std::vector<double> he = factors("he_normal_relu"), glorot = factors("glorot_normal_relu");
  std::vector<double> differences;
  for (std::size_t i = 0; i < he.size(); ++i) differences.push_back(he[i] - glorot[i]);
  const auto interval = *examples::confidence_interval(differences);
  results.finding("he", "With ReLU the factor is " + factor("he_normal_relu") + " with He and " + factor("glorot_normal_relu") +
                            " with Glorot; " + brackets + ". Over ten layers that would be " + over_ten("he_normal_relu") +
                            " and " + over_ten("glorot_normal_relu") + ". " +
                            (interval.contains(0) ? "These draws do not tell the two apart."
                                                  : "The difference is " + fixed(examples::mean(differences), 3) + " (" +
                                                        text(interval, 3) + ")."));
  if (published.empty()) return;
  results.finding("factor_published",
                  "The factor of the published run lies within the 95 % interval for one more draw of independent kernels in " +
                      text(within) + " of 13 settings.");
  const auto alike = [](const Looks& looks, bool least) {
    double value = least ? 1 : 0;
    for (const Look& look : looks)
      if (const double c = std::abs(look.tree["correlation_of_layers_4_and_5"].get<double>()); look.setting.function == "sigmoid")
        value = least ? std::min(value, c) : std::max(value, c);
    return value;
  };
  results.finding("fixed_point", "With the sigmoid the activations of layers 4 and 5 are correlated by " +
                                     fixed(alike(published, true), 3) + " or more as published, and by " +
                                     fixed(alike(draws[0], false), 3) + " or less in magnitude with independent kernels.");
}

void initialization(Results& results, const Options& options, int repeats) {
  const auto [train, test] = data::mnist({.folder = options.data});
  const Index sample = options.quick ? 300 : 2000;  // for gradients, and for many draws, of the 10,000 images
  Looks published;
  std::vector<Looks> corrected;
  if (options.wants(Form::published)) {
    published = look_at_all(results, test, sample, {}, true);
    if (examples::interrupted()) return;
    for (int repeat = 0; repeat < repeats; ++repeat)  // seeded: the same in each
      for (const Look& look : published) results.at(Form::published, repeat)["initialization"][look.setting.key()] = look.tree;
    report_first_five(results, published);
    report_layers(results, "problem2_layers_published",
                  "Hidden layers as published: 10,000 images, gradients of the first " + text(sample), published);
  }
  if (options.wants(Form::corrected)) {
    const Dataset images = test.take(0, sample);
    for (int draw = 0; draw < std::max(repeats, 5); ++draw) {
      corrected.push_back(look_at_all(results, images, sample, options.seed + static_cast<std::uint64_t>(draw), draw == 0));
      if (examples::interrupted()) return;
      for (const Look& look : corrected.back())
        if (draw < repeats) results.at(Form::corrected, draw)["initialization"][look.setting.key()] = look.tree;
    }
    report_layers(results, "problem2_layers_corrected",
                  "Hidden layers with independent kernels, first draw, " + text(sample) + " images", corrected[0]);
    report_factors(results, published, corrected);
  }
  draw_gradients(results, published, corrected);
}

// 2.2, 2.3 Networks that die --------------------------------------------------------------------------------------------

constexpr Index networks = 1000, train_points = 3000, test_points = 1000, batch_size = 64, published_epochs = 2;
constexpr Index published_depth = 10, published_width = 2;
constexpr double collapsed_variance = 1e-3;
constexpr std::uint64_t seeds_apart = 1'000'000;  // each network has a seed of its own, so repeats must not lie side by side
constexpr Index curve_points = 61;
const double reach = std::sqrt(7.0);  // x lies between -reach and reach

/// ReLU or LeakyReLU.
struct Rectifier {
  std::string part, name, key;
  Activation activation;
  std::string constant_since;  // what it means that all predictions have become the same number
};
const Rectifier relu{"2.2", "ReLU", "relu", ReLU{}, "died in training"};
const Rectifier leaky_relu{"2.3", "LeakyReLU", "leaky_relu", LeakyReLU{.slope = 0.01}, "constant to the last digit"};

struct Network {
  Index depth = published_depth, width = published_width;  // hidden layers, units of each
  Activation activation;
  Initializer initializer = GlorotUniform{};

  template <class D>
  std::vector<LayerSpec<float, D>> layers() const {
    std::vector<LayerSpec<float, D>> all;
    for (Index i = 0; i < depth; ++i)
      all.push_back(Dense{.units = static_cast<int>(width), .activation = activation, .kernel_initializer = initializer});
    all.push_back(Dense{.units = 1});
    return all;
  }
};

/// |x| at points uniform on [-sqrt 7, sqrt 7]: what one network learns from, or is tested with.
Dataset draw_points(std::uint64_t seed, Index count, bool test) {
  std::vector<double> drawn(static_cast<std::size_t>(count));
  Stream{seed, Purpose::split, test}.uniform(drawn);
  Tensor<float> x{Shape{count, 1}}, y{Shape{count, 1}};
  for (Index i = 0; i < count; ++i) {
    x[i] = static_cast<float>(reach * (2 * drawn[static_cast<std::size_t>(i)] - 1));
    y[i] = std::abs(x[i]);
  }
  return {std::move(x), std::move(y)};
}

/// Many networks at one moment of their training.
struct Moment {
  Index epochs = 0;
  double seconds = 0;            // since the beginning, data and predictions included
  std::vector<double> variance;  // of each network's predictions for its test points
  std::vector<char> constant;    // whether they are all the same number
  Tensor<float> curves;          // predictions [networks, curve_points, 1] for x from -sqrt 7 to sqrt 7

  bool collapsed(std::size_t network) const { return variance[network] <= collapsed_variance; }
};

Moment look_at(const Ensemble<float>& models, std::span<const Samples> test) {
  Moment moment;
  const Tensor<float> predictions = models.predict(test);  // [networks, points, 1]
  const Index points = test[0].size();
  for (Index model = 0; model < models.size(); ++model) {
    const float* y = predictions.data() + model * points;
    double mean = 0, squares = 0;
    for (Index i = 0; i < points; ++i) mean += static_cast<double>(y[i]) / static_cast<double>(points);
    for (Index i = 0; i < points; ++i) squares += (static_cast<double>(y[i]) - mean) * (static_cast<double>(y[i]) - mean);
    moment.variance.push_back(squares / static_cast<double>(points));
    moment.constant.push_back(std::all_of(y, y + points, [&](float value) { return value == y[0]; }));
  }
  Tensor<float> x{Shape{curve_points, 1}};
  for (Index i = 0; i < curve_points; ++i)
    x[i] = static_cast<float>(reach * (2.0 * static_cast<double>(i) / (curve_points - 1) - 1));
  moment.curves = models.predict(Samples{x});
  return moment;
}

/// A training of many networks side by side, each on points of its own.
struct Course {
  std::uint64_t seed;
  Ensemble<float> models;
  std::vector<Samples> test;
  std::vector<Moment> moments;  // the first at birth; fewer than asked for after Ctrl-C
};

Course train(const Network& network, Index count, std::uint64_t seed, const std::set<Index>& moments) {
  const auto start = std::chrono::steady_clock::now();
  Course course{seed, Ensemble<float>{count, Input{1}, network.layers<CpuModels>()}, {}, {}};
  course.models.initialize(seed);
  std::vector<Dataset> points(static_cast<std::size_t>(count));
  course.test.resize(points.size());
  parallel::run(count, [&](Index i) {
    const auto model = static_cast<std::size_t>(i);
    points[model] = draw_points(seed + model, train_points, false);
    course.test[model] = draw_points(seed + model, test_points, true).inputs;
  });
  EnsembleTrainer trainer{course.models, MeanSquaredError{}, Adam{.learning_rate = 0.001}, seed};
  Index done = 0;
  for (const Index epochs : moments) {
    for (; done < epochs; ++done) {
      if (examples::interrupted()) return course;
      trainer.fit(std::span{std::as_const(points)}, {.epochs = 1, .batch_size = batch_size});
    }
    course.moments.push_back(look_at(course.models, course.test));
    course.moments.back().epochs = epochs;
    course.moments.back().seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return course;
}

double ratio(Index count, Index of) { return static_cast<double>(count) / static_cast<double>(of); }
Interval wilson(Index count, Index of) { return examples::wilson_interval(static_cast<double>(count), static_cast<double>(of)); }
std::string percent_text(const Interval& share) { return fixed(100 * share.low, 1) + " to " + fixed(100 * share.high, 1) + " %"; }
std::string share_text(Index count, Index of) { return percent(ratio(count, of)) + " (" + percent_text(wilson(count, of)) + ')'; }
/// The same for the narrow columns of a table in percent.
std::string cell_text(Index count, Index of) {
  const Interval interval = wilson(count, of);
  return fixed(100 * ratio(count, of), 1) + " (" + text(Interval{100 * interval.low, 100 * interval.high}, 1) + ')';
}

/// Networks by what has become of them.
struct Classes {
  Index born_dead = 0, constant_since = 0, flat = 0, alive = 0;

  Index all() const { return born_dead + constant_since + flat + alive; }
  Index dead() const { return born_dead + constant_since; }
  Index collapsed() const { return dead() + flat; }
  void add(const Course& course, std::size_t moment) {
    const Moment &birth = course.moments[0], &now = course.moments[moment];
    for (std::size_t i = 0; i < now.variance.size(); ++i)
      ++(birth.constant[i] ? born_dead : now.constant[i] ? constant_since : now.collapsed(i) ? flat : alive);
  }
  Json json() const {
    Json tree{{"networks", all()}};
    for (const auto& [name, count] :
         {std::pair{"collapsed", collapsed()}, std::pair{"dead_at_birth", born_dead}, std::pair{"constant_since", constant_since},
          std::pair{"flat", flat}, std::pair{"alive", alive}})
      tree[name] = {{"share", ratio(count, all())}, {"low", wilson(count, all()).low}, {"high", wilson(count, all()).high}};
    return tree;
  }
};

/// The repeats of one rectifier. All have the same moments: birth, two epochs, and more where the corrected form is wanted.
struct Runs {
  Rectifier rectifier;
  std::vector<Course> courses;

  static constexpr std::size_t birth = 0, two_epochs = 1;
  std::size_t moments() const { return courses[0].moments.size(); }
  std::size_t end() const { return moments() - 1; }
  Index epochs(std::size_t moment) const { return courses[0].moments[moment].epochs; }
  Classes classes(std::size_t moment) const {
    Classes sum;
    for (const Course& course : courses) sum.add(course, moment);
    return sum;
  }
};

void report_published(Results& results, const Runs& runs) {
  const Json published = examples::published("problem2");
  const std::string &name = runs.rectifier.name, &key = runs.rectifier.key;
  std::vector<double> seconds;
  for (std::size_t repeat = 0; repeat < runs.courses.size(); ++repeat) {
    Classes classes;
    classes.add(runs.courses[repeat], Runs::two_epochs);
    seconds.push_back(runs.courses[repeat].moments[Runs::two_epochs].seconds);
    Json& tree = results.at(Form::published, static_cast<int>(repeat));
    tree["simulations"] = networks;
    tree[key] = {{"collapsed", ratio(classes.collapsed(), networks)}, {"seconds", seconds.back()}};
  }
  const Classes classes = runs.classes(Runs::two_epochs);
  results.agreement("problem2_" + key,
                    name + ": collapsed networks of 10 hidden layers of width 2 after 2 epochs, among " + text(classes.all()),
                    {Agreement::of_shares(name + ", share collapsed", published[key]["collapsed"], published["simulations"],
                                          static_cast<double>(classes.collapsed()), static_cast<double>(classes.all()))});
  results.finding(key + "_seconds", "1000 networks with " + name + " took " + fixed(examples::median(seconds), 2) +
                                        " s, data and predictions included; the published run took " +
                                        published[key]["seconds"].dump() + " s.");
}

void report_classes(Results& results, const Runs& runs) {
  const std::string &name = runs.rectifier.name, &key = runs.rectifier.key;
  for (std::size_t repeat = 0; repeat < runs.courses.size(); ++repeat) {
    const Course& course = runs.courses[repeat];
    Json by_epoch = Json::array();
    Classes last;
    for (std::size_t i = 0; i < runs.moments(); ++i) {
      Classes classes;
      classes.add(course, i);
      Json entry{{"epochs", runs.epochs(i)}};
      entry.update(classes.json());
      by_epoch.push_back(entry);
      last = classes;
    }
    Json& tree = results.at(Form::corrected, static_cast<int>(repeat));
    tree["simulations"] = networks;
    tree[key] = {
        {"collapsed", ratio(last.collapsed(), networks)}, {"seconds", course.moments.back().seconds}, {"classes", by_epoch}};
  }
  Rows rows{{"epochs", "collapsed", "dead at birth", runs.rectifier.constant_since, "flat, not constant", "alive"}};
  for (std::size_t i = 0; i < runs.moments(); ++i) {
    const Classes c = runs.classes(i);
    rows.push_back({text(runs.epochs(i))});
    for (const Index count : {c.collapsed(), c.born_dead, c.constant_since, c.flat, c.alive})
      rows.back().push_back(cell_text(count, c.all()));
  }
  results.table("problem2_" + key + "_classes",
                name + ": what has become of " + text(runs.classes(0).all()) + " networks, in % (95 % intervals in brackets)",
                rows);
}

/// Whether a hidden layer gives 0 for every point.
bool has_dead_layer(const Sequential<float>& model, const Samples& points) {
  for (Index layer = 0; layer < published_depth; ++layer) {
    const Tensor<float> y = model.outputs(layer == 0 ? "dense" : "dense_" + text(layer), points);
    if (std::all_of(y.begin(), y.end(), [](float value) { return value == 0; })) return true;
  }
  return false;
}

void report_deaths(Results& results, const Runs& runs) {
  const Classes birth = runs.classes(Runs::birth), two = runs.classes(Runs::two_epochs), end = runs.classes(runs.end());
  const std::string epochs = text(runs.epochs(runs.end()));
  const auto points = [&](Index count) { return percent(ratio(count, two.all())); };
  results.finding("rule_at_birth", "Before any training the published rule already calls " +
                                       share_text(birth.collapsed(), birth.all()) + " of " + text(birth.all()) +
                                       " networks collapsed, though only " + share_text(birth.born_dead, birth.all()) +
                                       " are dead.");
  results.finding("parts", "Of all networks " + points(two.collapsed()) + " count as collapsed after two epochs: " +
                               points(two.born_dead) + " were dead at birth, " + points(two.constant_since) +
                               " died in training, and " + points(two.flat) + " are flat but not dead.");
  Index flat = 0, learnt = 0, died_of_flat = 0, died = 0, died_late = 0, with_dead_layer = 0;
  Sequential<float> single{Input{1}, Network{.activation = ReLU{}}.layers<Cpu>()};
  for (const Course& course : runs.courses) {
    const Moment &first = course.moments[Runs::birth], &second = course.moments[Runs::two_epochs], &last = course.moments.back();
    for (std::size_t i = 0; i < last.constant.size(); ++i) {
      if (!first.constant[i] && last.constant[i]) {
        ++died;
        died_late += !second.constant[i];
        course.models.copy_to(static_cast<Index>(i), single);
        with_dead_layer += has_dead_layer(single, course.test[i]);
      }
      if (second.constant[i] || !second.collapsed(i)) continue;
      ++flat;
      learnt += !last.collapsed(i);
      died_of_flat += last.constant[i];
    }
  }
  results.finding("untrained_fate", "Of the " + text(flat) + " networks that are flat but not dead after two epochs, " +
                                        text(learnt) + " have learnt something after " + epochs + " epochs, " +
                                        text(died_of_flat) + " have died, and " + text(flat - learnt - died_of_flat) +
                                        " are still flat.");
  results.finding("when_they_die", "Of the " + text(died) + " networks that died in training, " + text(died - died_late) +
                                       " did so in the first two epochs. " + text(with_dead_layer) +
                                       " of them have a hidden layer that gives 0 for every test point, so no gradient passes.");
  results.finding("relu_end", "After " + epochs + " epochs " + share_text(end.collapsed(), end.all()) +
                                  " of the ReLU networks are collapsed, " + share_text(end.dead(), end.all()) + " dead.");

  Index same = 0, with_he = 0;
  for (const Course& course : runs.courses) {
    Ensemble<float> models{networks, Input{1}, Network{.activation = ReLU{}, .initializer = HeUniform{}}.layers<CpuModels>()};
    models.initialize(course.seed);
    const Moment he = look_at(models, course.test);
    for (std::size_t i = 0; i < he.constant.size(); ++i) {
      with_he += he.constant[i];
      same += he.constant[i] && course.moments[Runs::birth].constant[i];
    }
  }
  results.finding("scale", "With He's scale in place of Glorot's, for the same draws, " + text(with_he) +
                               " networks are dead at birth, with Glorot's " + text(birth.born_dead) + "; " + text(same) +
                               " are dead with both.");
}

/// Bounds on the probability that a network of ReLU without biases and of one input is dead at birth, for independent weights
/// that are symmetric around 0. It gives |x| times what it gives for 1 or for -1, so it is dead if these two have died.
Interval dead_at_birth_bounds(Index depth, Index width) {
  const double all_zero = std::pow(2.0, -static_cast<double>(width)), q = 1 - all_zero, n = static_cast<double>(depth);
  // Above: while one of the two lives, a layer kills both with probability 2^-width at most, and the first layer cannot.
  // Below: each of the two lives through all layers with probability q^depth, both together at least as often as if from the
  // second layer on they were independent: both are increasing functions of the weights, so they are positively correlated.
  return {1 - 2 * std::pow(q, n) + (1 - 2 * all_zero) * std::pow(q, 2 * (n - 1)), 1 - std::pow(q, n - 1)};
}

/// One combination of depth and width, over all repeats.
struct Cell {
  Index depth, width;
  Classes classes{};
};

/// Trains networks of other depths and widths as the published ones; empty after Ctrl-C.
std::vector<Cell> train_grid(Results& results, const Options& options, int repeats) {
  std::vector<Cell> cells;
  for (const Index width : {2, 3, 4, 6, 8})
    for (const Index depth : {2, 4, 6, 8, 10, 15, 20, 30}) cells.push_back({depth, width});
  const Index count = options.quick ? 32 : 128;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Json list = Json::array();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      Cell& cell = cells[i];
      const std::uint64_t seed =
          (options.seed + static_cast<std::uint64_t>(repeat)) * seeds_apart + (i + 1) * networks;  // behind those of the 1000
      const Course course = train({cell.depth, cell.width, ReLU{}}, count, seed, {0, published_epochs});
      if (course.moments.size() < 2) return {};
      Classes classes;
      classes.add(course, 1);
      cell.classes.add(course, 1);
      const Interval bounds = dead_at_birth_bounds(cell.depth, cell.width);
      list.push_back({{"depth", cell.depth}, {"width", cell.width}, {"lower_bound", bounds.low}, {"upper_bound", bounds.high}});
      list.back().update(classes.json());
    }
    results.at(Form::corrected, repeat)["depth_and_width"] = list;
  }
  return cells;
}

void report_grid(Results& results, const std::vector<Cell>& cells) {
  if (cells.empty()) return;
  Rows rows{{"width", "hidden layers", "dead at birth", "bounds", "dead after 2", "collapsed after 2"}};
  Index consistent = 0;
  std::string at_ten;
  for (const auto& [depth, width, c] : cells) {
    const Interval measured = wilson(c.born_dead, c.all()), bounds = dead_at_birth_bounds(depth, width);
    consistent += measured.low <= bounds.high && bounds.low <= measured.high;
    rows.push_back({text(width), text(depth), cell_text(c.born_dead, c.all()),
                    text(Interval{100 * bounds.low, 100 * bounds.high}, 1), cell_text(c.dead(), c.all()),
                    cell_text(c.collapsed(), c.all())});
    if (depth == published_depth)
      at_ten += (at_ten.empty() ? "" : ", ") + percent(ratio(c.born_dead, c.all()), 0) + " at width " + text(width);
  }
  results.table(
      "problem2_depth_width",
      "ReLU networks by depth and width, " + text(cells[0].classes.all()) + " of each, in % (95 % intervals in brackets)", rows);
  results.finding(
      "bounds",
      "In " + text(consistent) + " of " + text(static_cast<Index>(cells.size())) +
          " combinations of depth and width the 95 % interval of the share that is dead at birth reaches into the bounds.");
  results.finding("width_helps", "With ten hidden layers the share that is dead at birth is " + at_ten + '.');
  const Classes& last = cells.back().classes;
  results.finding("wide_and_deep", "With " + text(cells.back().depth) + " layers of width " + text(cells.back().width) + ", " +
                                       share_text(last.born_dead, last.all()) + " are dead at birth, but " +
                                       share_text(last.dead(), last.all()) + " after two epochs, and " +
                                       share_text(last.collapsed(), last.all()) + " count as collapsed.");

  Figure figure{"problem2_depth_width", "ReLU networks that are dead or collapsed, by depth and width",
                "Left: dead before any training, with 95 % intervals; the bands lie between the bounds that the text derives. "
                "Right: after two epochs; solid: collapsed by the published rule; dashed: dead. "
                "What lies between the two lines of a colour is flat, but could still learn.",
                860, 440};
  figure << "set multiplot layout 1,2 margins 0.085,0.985,0.26,0.91 spacing 0.08,0\nset xlabel 'hidden layers'\nset xrange "
            "[0:31]\nset yrange [0:100]\nset pointintervalbox 0\nunset key";
  std::string bands, points, lines;
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < cells.size();) {
    const std::string w = text(cells[i].width), lt = std::to_string(entries.size() + 1);
    std::vector<std::vector<double>> measured, band;
    for (Index depth = 1; depth <= 31; ++depth) {
      const Interval bounds = dead_at_birth_bounds(depth, cells[i].width);
      band.push_back({static_cast<double>(depth), 100 * bounds.low, 100 * bounds.high});
    }
    for (; i < cells.size() && text(cells[i].width) == w; ++i) {
      const Classes& c = cells[i].classes;
      const Interval interval = wilson(c.born_dead, c.all());
      measured.push_back({static_cast<double>(cells[i].depth), 100 * ratio(c.born_dead, c.all()), 100 * interval.low,
                          100 * interval.high, 100 * ratio(c.collapsed(), c.all()), 100 * ratio(c.dead(), c.all())});
    }
    figure.data("width" + w, measured).data("bounds" + w, band);
    bands += "$bounds" + w + " using 1:2:3 with filledcurves fs transparent solid 0.3 noborder lt " + lt + ", ";
    points += (points.empty() ? "" : ", ") + ("$width" + w) + " using 1:3:(0):($4-$3) with vectors nohead lt " + lt + ", $width" +
              w + " using 1:2 with points lt " + lt;
    lines += (lines.empty() ? "" : ", ") + ("$width" + w) + " using 1:5 with linespoints lt " + lt + ", $width" + w +
             " using 1:6 with lines dt 2 lw 1.5 lt " + lt;
    entries.push_back("linespoints lt " + lt + " title 'width " + w + "'");
  }
  figure << "set title 'dead at birth'\nset ylabel 'share of networks (%)'\nplot " + bands + points +
                "\nset title 'after two epochs'\nunset ylabel\nplot " + lines + '\n';
  entries.push_back("lines lc rgb 'black' lw 1.5 dt 2 title 'right: dead'");
  figure << legend(entries);
  results.figure(figure);
}

void report_leaky(Results& results, const Runs& runs) {
  Index constant = 0, awake = 0, learnt = 0;
  for (const Course& course : runs.courses) {
    const Moment &two = course.moments[Runs::two_epochs], &last = course.moments.back();
    for (std::size_t i = 0; i < two.constant.size(); ++i) {
      if (!two.constant[i]) continue;
      ++constant;
      awake += !last.constant[i];
      learnt += !last.collapsed(i);
    }
  }
  const Classes birth = runs.classes(Runs::birth), end = runs.classes(runs.end());
  const std::string epochs = text(runs.epochs(runs.end()));
  results.finding("leaky_birth", "With LeakyReLU " + text(birth.born_dead) + " of " + text(birth.all()) +
                                     " networks are constant at birth, but " + share_text(birth.collapsed(), birth.all()) +
                                     " count as collapsed.");
  results.finding("leaky_constant", "After two epochs " + text(constant) +
                                        " of them give the same 32-bit number for all test points. After " + epochs + " epochs " +
                                        text(awake) + " of these are not constant any more, and " + text(learnt) +
                                        " have learnt something.");
  results.finding("leaky_end", "After " + epochs + " epochs " + share_text(end.collapsed(), end.all()) +
                                   " of the LeakyReLU networks are still collapsed.");
}

/// Do the published shares tell the two rectifiers apart?
void report_published_difference(Results& results) {
  const Json published = examples::published("problem2");
  const double p = published["relu"]["collapsed"], q = published["leaky_relu"]["collapsed"], n = published["simulations"];
  const double middle = 100 * (p - q), half = 196 * std::sqrt((p * (1 - p) + q * (1 - q)) / n);
  results.finding("published_difference", "The published shares differ by " + fixed(middle, 1) +
                                              " points; the 95 % interval for two proportions of 1000 networks each is " +
                                              text(Interval{middle - half, middle + half}, 1) + " points: " +
                                              (half >= std::abs(middle) ? "they do not tell the two apart." : "the two differ."));
}

/// Does one rectifier collapse more often? Both were given the same weights and points, so the differences are paired.
void report_difference(Results& results, const Runs& first, const Runs& second) {
  Rows rows{{"epochs", "ReLU, collapsed", "LeakyReLU, collapsed", "difference in points (95 % interval)"}};
  Json list = Json::array();
  Index dead = 0, rescued = 0;
  for (std::size_t moment = 0; moment < first.moments(); ++moment) {
    std::vector<double> differences;
    for (std::size_t c = 0; c < std::min(first.courses.size(), second.courses.size()); ++c) {
      const Moment &birth = first.courses[c].moments[0], &a = first.courses[c].moments[moment],
                   &b = second.courses[c].moments[moment];
      for (std::size_t i = 0; i < a.variance.size(); ++i) {
        differences.push_back(100 * (a.collapsed(i) - b.collapsed(i)));
        if (moment < first.end() || !birth.constant[i]) continue;
        ++dead;
        rescued += !b.collapsed(i);
      }
    }
    const Interval range = *examples::confidence_interval(differences);
    const std::string epochs = text(first.epochs(moment)), difference = fixed(examples::mean(differences), 1),
                      pairs = text(static_cast<Index>(differences.size()));
    const Classes a = first.classes(moment), b = second.classes(moment);
    rows.push_back({epochs, percent(ratio(a.collapsed(), a.all())), percent(ratio(b.collapsed(), b.all())),
                    difference + " (" + text(range, 1) + ')'});
    list.push_back(
        {{"epochs", first.epochs(moment)}, {"points", examples::mean(differences)}, {"low", range.low}, {"high", range.high}});
    const std::string sentence = "After " + epochs + " epochs the share of collapsed ReLU networks less that of LeakyReLU is " +
                                 difference + " points (95 % interval " + text(range, 1) + ", " + pairs +
                                 " pairs of the same weights and points): " +
                                 (range.contains(0) ? "not told apart."
                                  : range.low > 0   ? "ReLU collapses more often."
                                                    : "LeakyReLU collapses more often.");
    if (moment == Runs::two_epochs) results.finding("difference", sentence);
    if (moment == first.end()) results.finding("difference_at_end", sentence);
  }
  results.at(Form::corrected, 0)["relu_minus_leaky_relu"] = list;
  results.table("problem2_difference", "ReLU against LeakyReLU from the same weights, on the same points", rows);
  results.finding("rescued", "Of " + text(dead) + " networks that are dead at birth with ReLU, " + share_text(rescued, dead) +
                                 " have learnt something with LeakyReLU from the same weights after " +
                                 text(second.epochs(second.end())) + " epochs.");
}

/// The distribution of the variance, and the classes by epoch: a panel for each rectifier.
void draw_courses(Results& results, const std::vector<const Runs*>& all) {
  const std::string layout = "set multiplot layout 1," + text(static_cast<Index>(all.size())) + " margins " +
                             (all.size() == 1 ? "0.16" : "0.085") + ",0.985,0.26,0.91 spacing 0.07,0\n";
  const int width = all.size() == 1 ? 480 : 860;
  Figure variances{"problem2_variances", "Variance of the predictions, by epoch",
                   "Share of networks whose test predictions have at most the variance on the horizontal axis. Dashed: the "
                   "published border of collapse. A network that is dead has variance 0 and "
                   "lifts its whole curve.",
                   width, 440};
  Figure classes{"problem2_classes", "What becomes of the networks, by epoch",
                 "The published run stopped after two epochs. All but the alive count as collapsed.", width, 440};
  variances << layout +
                   "set logscale x\nset format x '10^{%T}'\nset xlabel 'variance of the predictions'\nset xrange [1e-12:10]\nset "
                   "yrange [0:100]\nset xtics 1000\nunset key\n"
                   "set arrow from 1e-3,0 to 1e-3,100 nohead dt 2 lc rgb 'black'";
  classes << layout +
                 "set style data histograms\nset style histogram rowstacked\nset boxwidth 0.8\nset style fill solid 0.85 "
                 "noborder\nset xlabel 'epochs'\nset yrange [0:100]\nunset key\n"
                 "set grid noxtics\nset xtics scale 0";
  std::vector<std::string> entries;
  for (const Runs* runs : all) {
    const std::string name = runs->rectifier.name, heading = "set title '" + name + "'\nset ylabel '" +
                                                             (runs == all[0] ? "share of networks (%)" : "") + "'\nplot ";
    std::vector<std::vector<double>> bars;
    std::string plot;
    int colour = 0;
    for (std::size_t moment = 0; moment < runs->moments(); ++moment) {
      const Classes c = runs->classes(moment);
      bars.push_back({static_cast<double>(runs->epochs(moment))});
      for (const Index count : {c.born_dead, c.constant_since, c.flat, c.alive})
        bars.back().push_back(100 * ratio(count, c.all()));
      std::vector<std::vector<double>> curve;
      for (double power = -12; power <= 1; power += 0.1) {
        Index below = 0;
        for (const Course& course : runs->courses) {
          const auto& values = course.moments[moment].variance;
          below += std::count_if(values.begin(), values.end(), [&](double value) { return value <= std::pow(10, power); });
        }
        curve.push_back({std::pow(10, power), 100 * ratio(below, c.all())});
      }
      const std::string block = name + std::to_string(moment), line = "lines lt " + std::to_string(++colour);
      variances.data(block, curve);
      plot += (plot.empty() ? "$" : ", $") + block + " using 1:2 with " + line;
      if (runs == all[0])
        entries.push_back(line + " title '" + (moment == 0 ? "at birth" : text(runs->epochs(moment)) + " epochs") + "'");
    }
    variances << heading + plot;
    classes.data(name, bars);
    classes << heading + '$' + name + " using 2:xtic(1) lt 4, '' using 3 lt 2, '' using 4 lt 6, '' using 5 lt 3";
  }
  variances << legend(entries);
  classes << legend({"boxes lt 4 title 'dead at birth'", "boxes lt 2 title 'constant since'",
                     "boxes lt 6 title 'flat, not constant'", "boxes lt 3 title 'alive'"});
  results.figure(variances);
  results.figure(classes);
}

/// One network of each fate with ReLU, and the networks that start from the same weights with LeakyReLU.
void draw_examples(Results& results, const Runs& first, const Runs& second) {
  const auto& moments = first.courses[0].moments;
  const Moment &birth = moments[Runs::birth], &two = moments[Runs::two_epochs], &last = moments.back();
  const auto chosen = [&](const std::function<bool(std::size_t)>& is) {
    for (std::size_t i = 0; i < birth.constant.size(); ++i)
      if (is(i)) return static_cast<Index>(i);
    return Index{-1};
  };
  const std::vector<std::pair<std::string, Index>> fates{
      {"dead at birth", chosen([&](std::size_t i) { return birth.constant[i]; })},
      {"died in training", chosen([&](std::size_t i) { return !birth.constant[i] && last.constant[i]; })},
      {"flat after 2 epochs", chosen([&](std::size_t i) { return !two.constant[i] && two.collapsed(i) && !last.collapsed(i); })},
      {"alive after 2 epochs", chosen([&](std::size_t i) { return !two.collapsed(i); })}};
  Figure figure{"problem2_examples", "What four networks have learnt of |x|",
                "The first network of each fate with ReLU (above), and those that start from the same weights with LeakyReLU "
                "(below). Dashed: |x|.",
                860, 620};
  figure << "set multiplot layout 2,2 margins 0.08,0.985,0.2,0.94 spacing 0.07,0.11\nset xrange [-2.7:2.7]\nset yrange "
            "[-0.2:2.8]\nunset key";
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < fates.size(); ++i)
    if (fates[i].second >= 0) entries.push_back("lines lw 3 lt " + std::to_string(i + 1) + " title '" + fates[i].first + "'");
  for (const Runs* runs : {&first, &second})
    for (const std::size_t i : {Runs::two_epochs, runs->end()}) {
      const Moment& moment = runs->courses[0].moments[i];
      std::string plot = "plot abs(x) with lines lc rgb 'black' dt 2 lw 1";
      int colour = 0;
      for (const auto& [fate, model] : fates) {
        ++colour;
        if (model < 0) continue;
        std::vector<std::vector<double>> rows;
        for (Index k = 0; k < curve_points; ++k)
          rows.push_back({reach * (2.0 * static_cast<double>(k) / (curve_points - 1) - 1),
                          static_cast<double>(moment.curves[model * curve_points + k])});
        const std::string block = runs->rectifier.key + std::to_string(i) + '_' + std::to_string(colour);
        figure.data(block, rows);
        plot += ", $" + block + " with lines lt " + std::to_string(colour) + " lw " + std::to_string(7 - colour);
      }
      figure << "set title '" + runs->rectifier.name + ", " + text(moment.epochs) + " epochs'\nset xlabel '" +
                    (runs == &second ? "x" : "") + "'\nset ylabel '" + (i == runs->end() ? "" : "prediction") + "'\n" + plot;
    }
  figure << legend(entries);
  results.figure(figure);
}

/// Both forms of one rectifier: the corrected one goes on where the published one stops.
Runs run(Results& results, const Options& options, const Rectifier& rectifier, int repeats, Index epochs) {
  std::set<Index> moments{0, published_epochs};
  if (options.wants(Form::corrected)) {
    for (const Index more : {5, 10, 20})
      if (more < epochs) moments.insert(more);
    moments.insert(std::max(epochs, published_epochs));
  }
  Runs runs{rectifier, {}};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Course course = train({.activation = rectifier.activation}, networks,
                          (options.seed + static_cast<std::uint64_t>(repeat)) * seeds_apart, moments);
    if (course.moments.size() < moments.size()) break;  // Ctrl-C
    runs.courses.push_back(std::move(course));
  }
  if (runs.courses.empty()) return runs;
  Sequential<float> single{Input{1}, Network{.activation = rectifier.activation}.layers<Cpu>()};
  runs.courses[0].models.copy_to(0, single);
  results.fingerprint(rectifier.part + " network 0", single);
  if (options.wants(Form::published)) report_published(results, runs);
  if (options.wants(Form::corrected)) report_classes(results, runs);
  return runs;
}

int problem2(const Options& options) {
  Results results{options, "problem2", "Problem 2: initialisation, vanishing gradients and dead units."};
  std::cout << "On the CPU, where ensembles run, and networks that are not trained.\n";
  const int repeats = options.repeats ? options.repeats : options.quick ? 1 : 3;
  const Index epochs = options.epochs ? options.epochs : options.quick ? 10 : 50;
  const bool corrected = options.wants(Form::corrected);
  results.run_info() = {{"corrected_epochs", std::max<Index>(epochs, 2)}};

  Runs with_relu{relu, {}}, with_leaky{leaky_relu, {}};
  results.part("2.1", "Activations and gradients at initialisation", [&] { initialization(results, options, repeats); });
  results.part("2.2", "Dying ReLU", [&] {
    with_relu = run(results, options, relu, repeats, epochs);
    if (!corrected || with_relu.courses.empty()) return;
    report_deaths(results, with_relu);
    report_grid(results, train_grid(results, options, repeats));
  });
  results.part("2.3", "LeakyReLU", [&] {
    with_leaky = run(results, options, leaky_relu, repeats, epochs);
    report_published_difference(results);
    if (!corrected || with_leaky.courses.empty()) return;
    report_leaky(results, with_leaky);
    if (with_relu.courses.empty()) return;
    report_difference(results, with_relu, with_leaky);
    draw_examples(results, with_relu, with_leaky);
  });
  std::vector<const Runs*> all;
  for (const Runs* runs : {&with_relu, &with_leaky})
    if (!runs->courses.empty()) all.push_back(runs);
  if (corrected && !all.empty()) draw_courses(results, all);
  results.write();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run(argc, argv, "problem2_initialization",
                       "Problem 2 of the assignment: activations and gradients at initialisation, and how ReLU networks die.",
                       problem2, {"2.1", "2.2", "2.3"}, "ensembles, and networks that are not trained, run");
}
