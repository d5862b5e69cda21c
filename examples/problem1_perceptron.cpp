// SPDX-License-Identifier: MIT
// Problem 1: the perceptron's loss and the hinge loss, on points of the unit square.
#include <array>
#include <cmath>
#include <iostream>
#include <span>

#include <nlohmann/json.hpp>

#include <tarn/tarn.hpp>
#include "common/program.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"

namespace {

using examples::Agreement;
using examples::Figure;
using examples::fixed;
using examples::Form;
using examples::Json;
using examples::Results;
using namespace tarn;

constexpr Index train_points = 20, test_points = 1000;
constexpr int published_epochs = 10;
constexpr double published_rate = 0.025;
/// The perceptron's line does not depend on the size of its steps, but for the start. With 0.025 the hinge loss would need some ten
/// thousand epochs, since a point at distance d from the line asks for weights of length 1 / d.
constexpr double corrected_rate = 0.5;
constexpr std::array initial{0.03623808, 0.88258812};  // of the published run, for both losses

struct Point {
  double x0, x1, label;  // label -1 where x0 <= x1, else 1
};
using Points = std::vector<Point>;

/// Points uniform on the unit square. Draw number `draw` is the same for both losses, and in both forms.
Points draw_points(std::uint64_t seed, Index draw, Index count, bool test) {
  const Stream random{seed, Purpose::split, 2 * draw + test};
  Points points;
  for (Index i = 0; i < count; ++i) {
    const double x0 = random.uniform(2 * i), x1 = random.uniform(2 * i + 1);
    points.push_back({x0, x1, x0 <= x1 ? -1.0 : 1.0});
  }
  return points;
}

double sign(double value) { return value > 0 ? 1 : value < 0 ? -1 : 0; }
double output(const std::array<double, 2>& w, const Point& p) { return w[0] * p.x0 + w[1] * p.x1; }

double accuracy(const std::array<double, 2>& w, const Points& points) {
  Index right = 0;
  for (const Point& p : points) right += sign(output(w, p)) == p.label;
  return static_cast<double>(right) / static_cast<double>(points.size());
}

// As published ----------------------------------------------------------------------------------------------------------

struct PublishedRun {
  std::array<double, 2> weights = initial;
  std::vector<double> accuracy_by_epoch, loss_by_epoch;
  double test_accuracy = 0, test_loss = 0;
};

/// The published procedure, mistakes included: both losses look at the sign of the output alone, and not at the label.
PublishedRun run_as_published(bool hinge, const Points& train, const Points& test) {
  PublishedRun run;
  for (int epoch = 0; epoch < published_epochs; ++epoch) {
    double right = 0, losses = 0;
    for (const Point& p : train) {
      const double predicted = sign(output(run.weights, p)), error = p.label - predicted;
      const double loss = std::max(0.0, (hinge ? 1.0 : 0.0) - predicted);
      right += error == 0;
      losses += loss;
      const double step = published_rate * (hinge && loss > 0 && error == 0 ? p.label : error);
      run.weights[0] += step * p.x0;
      run.weights[1] += step * p.x1;
    }
    run.accuracy_by_epoch.push_back(right / static_cast<double>(train.size()));
    run.loss_by_epoch.push_back(losses / static_cast<double>(train.size()));
  }
  run.test_accuracy = accuracy(run.weights, test);
  for (const Point& p : test)
    run.test_loss = std::max(run.test_loss, -sign(output(run.weights, p)));  // a maximum, called the loss
  return run;
}

// Corrected -------------------------------------------------------------------------------------------------------------

Dataset dataset(const Points& points) {
  Tensor<float> x{Shape{static_cast<Index>(points.size()), 2}}, y{Shape{static_cast<Index>(points.size()), 1}};
  for (Index i = 0; i < y.size(); ++i) {
    const Point& p = points[static_cast<std::size_t>(i)];
    x[2 * i] = static_cast<float>(p.x0);
    x[2 * i + 1] = static_cast<float>(p.x1);
    y[i] = static_cast<float>(p.label);
  }
  return {std::move(x), std::move(y)};
}

struct CorrectedRun {
  std::array<double, 2> weights{};
  // After the epochs that `is_looked_at` names; of the training points, the loss being the epoch's running mean, and of the test points.
  std::vector<double> accuracy_by_epoch, loss_by_epoch, test_accuracy_by_epoch;
  double train_accuracy = 0, test_accuracy = 0, test_loss = 0;
};

/// Epochs 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, ...
bool is_looked_at(int epoch) {
  while (epoch > 70 && epoch % 10 == 0) epoch /= 10;
  for (const int looked_at : {1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70})
    if (epoch == looked_at) return true;
  return false;
}

std::vector<int> looked_at_until(int epochs) {
  std::vector<int> looked_at;
  for (int epoch = 1; epoch <= epochs; ++epoch)
    if (is_looked_at(epoch)) looked_at.push_back(epoch);
  return looked_at;
}

void set_weights(const Ensemble<float>& models, std::vector<CorrectedRun>& runs, std::size_t i) {
  const Tensor<float> w = models.weights(static_cast<Index>(i), "dense/kernel");
  runs[i].weights = {static_cast<double>(w[0]), static_cast<double>(w[1])};
}

/// A Dense layer of one unit without bias for each draw, a lane of an ensemble each: `loss` of the margin y w.x, its subgradient, one
/// point at a time in the stored order, from the published initial weights.
template <class Loss>
std::vector<CorrectedRun> run_corrected(const Loss& loss, const std::vector<Points>& train, const std::vector<Points>& test,
                                        int epochs) {
  std::vector<Dataset> train_sets, test_sets;
  for (const Points& points : train) train_sets.push_back(dataset(points));
  for (const Points& points : test) test_sets.push_back(dataset(points));
  Ensemble models{static_cast<Index>(train.size()), Input{2}, Dense{.units = 1, .use_bias = false}};
  const Tensor<float> start{{2, 1}, {static_cast<float>(initial[0]), static_cast<float>(initial[1])}};
  for (Index model = 0; model < models.size(); ++model) models.set_weights(model, "dense/kernel", start.view());

  EnsembleTrainer trainer{models, loss, SGD{.learning_rate = corrected_rate}};
  std::vector<CorrectedRun> runs(train.size());
  for (int epoch = 0; epoch < epochs && !examples::interrupted(); ++epoch) {
    const auto record = trainer.fit(std::span{std::as_const(train_sets)}, {.epochs = 1, .batch_size = 1, .shuffle = false});
    for (std::size_t i = 0; is_looked_at(epoch + 1) && i < runs.size(); ++i) {
      set_weights(models, runs, i);
      runs[i].loss_by_epoch.push_back(record.back().training[i].loss);
      runs[i].accuracy_by_epoch.push_back(accuracy(runs[i].weights, train[i]));
      runs[i].test_accuracy_by_epoch.push_back(accuracy(runs[i].weights, test[i]));
    }
  }
  const auto tested = trainer.evaluate(std::span{std::as_const(test_sets)});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    set_weights(models, runs, i);
    runs[i].train_accuracy = accuracy(runs[i].weights, train[i]);
    runs[i].test_accuracy = accuracy(runs[i].weights, test[i]);
    runs[i].test_loss = tested[i].loss;
  }
  return runs;
}

// Both ------------------------------------------------------------------------------------------------------------------

/// Angle of the weights in degrees. That of the true line, x0 = x1, is -45.
double angle(const std::array<double, 2>& w) { return std::atan2(w[1], w[0]) * 180 / M_PI; }
/// How far the learnt line is turned from the true one, in degrees, with its sign; it does not jump.
double turn(const std::array<double, 2>& w) { return std::remainder(angle(w) + 45, 360); }

template <class Run>
std::vector<double> all(const std::vector<Run>& runs, double Run::*figure) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(run.*figure);
  return values;
}
template <class Run>
std::vector<double> turns(const std::vector<Run>& runs) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(turn(run.weights));
  return values;
}

Json quantiles(const std::vector<double>& values) {
  return {{"draws", values.size()},
          {"mean", examples::mean(values)},
          {"standard_deviation", examples::deviation(values)},
          {"quantile_2.5", examples::quantile(values, 0.025)},
          {"median", examples::quantile(values, 0.5)},
          {"quantile_97.5", examples::quantile(values, 0.975)}};
}

/// One run with the published figures' keys.
template <class Run>
Json to_json(const Run& run) {
  return {{"train_accuracy_by_epoch", run.accuracy_by_epoch},
          {"mean_loss_by_epoch", run.loss_by_epoch},
          {"final_weights", run.weights},
          {"test_accuracy", run.test_accuracy},
          {"test_loss", run.test_loss}};
}

template <class Run>
std::vector<float> final_weights(const std::vector<Run>& runs) {
  std::vector<float> weights;
  for (const Run& run : runs)
    for (const double weight : run.weights) weights.push_back(static_cast<float>(weight));
  return weights;
}

/// The runs of one form with one loss: those of the first draws as repeats, and the spread over all.
template <class Run>
void report_runs(Results& results, Form form, const char* loss, const std::vector<Run>& runs, int repeats) {
  for (int repeat = 0; repeat < repeats; ++repeat) {
    results.at(form, repeat)["initial_weights"] = initial;
    results.at(form, repeat)[loss] = to_json(runs[static_cast<std::size_t>(repeat)]);
  }
  results.at(form, 0)[loss]["test_accuracy_of_all_draws"] = quantiles(all(runs, &Run::test_accuracy));
  results.fingerprint(std::string{form == Form::published ? "published " : "corrected "} + loss, final_weights(runs));
  results.at(form, 0)[loss]["turn_in_degrees_of_all_draws"] = quantiles(turns(runs));
}

/// The test points by predicted label, two panels, with the learnt line and the true one.
void draw_predictions(Results& results, const std::string& name, const std::string& title, const std::string& caption,
                      const Points& points, const std::array<double, 2>& perceptron, const std::array<double, 2>& hinge) {
  Figure figure{name, title, caption, 760, 420};
  figure << "set multiplot layout 1,2\nset size square\nset xlabel 'x_0'\nset ylabel 'x_1'\nset xrange [0:1]\nset yrange [0:1]\n"
            "set key outside bottom center horizontal\nset samples 2";
  for (const auto* weights : {&perceptron, &hinge}) {
    const std::string block = weights == &hinge ? "hinge" : "perceptron";
    std::vector<std::vector<double>> rows;
    for (const Point& p : points) rows.push_back({p.x0, p.x1, sign(output(*weights, p))});
    figure.data(block, rows);
    const double length = 2 / std::hypot((*weights)[0], (*weights)[1]), dx = -(*weights)[1] * length, dy = (*weights)[0] * length;
    figure.data(block + "_line", {{-dx, -dy}, {dx, dy}});
    figure << "set title '" + block + "'\nplot $" + block +
                  " using 1:($3 < 0 ? $2 : NaN) with points lt 1 pt 7 ps 0.25 title '-1', $" + block +
                  " using 1:($3 > 0 ? $2 : NaN) with points lt 2 pt 7 ps 0.25 title '+1', x with lines lt 3 lw 2 dt 2 title "
                  "'true line', $" +
                  block + "_line with lines lc rgb 'black' lw 2 title 'learnt line'";
  }
  figure << "unset multiplot";
  results.figure(figure);
}

/// Violins of one figure of the four kinds of run.
void draw_spread(Results& results, const std::string& name, const std::string& title, const std::string& caption,
                 const std::string& label, const std::string& range, const std::vector<std::vector<double>>& groups,
                 const std::string& more = "") {
  Figure figure{name, title, caption, 720, 400};
  figure.violin_data("kinds", groups);
  figure << "set xlabel 'form and loss' offset 0,-0.8\nset ylabel '" + label +
                "'\nset bmargin 5\nset xrange [0.4:4.6]\nset yrange " + range +
                "\nset xtics (\"published\\nperceptron\" 1, \"published\\nhinge\" 2, \"corrected\\nperceptron\" 3, "
                "\"corrected\\nhinge\" 4) scale 0\nset key bottom right\nplot " +
                Figure::violins("$kinds") + more;
  results.figure(figure);
}

/// By epoch: the loss's median and middle 90 %, the test accuracy's mean and its interval.
void add_curves(Figure& figure, const std::string& loss, const std::vector<int>& epochs, const std::vector<CorrectedRun>& runs) {
  std::vector<std::vector<double>> losses, accuracies;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    std::vector<double> values, reached;
    for (const CorrectedRun& run : runs) {
      values.push_back(run.loss_by_epoch[i]);
      reached.push_back(run.test_accuracy_by_epoch[i]);
    }
    const auto interval = *examples::confidence_interval(reached);
    losses.push_back(
        {1.0 * epochs[i], examples::quantile(values, 0.5), examples::quantile(values, 0.05), examples::quantile(values, 0.95)});
    accuracies.push_back({1.0 * epochs[i], examples::mean(reached), interval.low, interval.high});
  }
  figure.data(loss + "_loss", losses);
  figure.data(loss + "_accuracy", accuracies);
}

/// "0.970 with A and 0.965 with B: lower with B (...)", or that the draws do not tell them apart, from differences on the same draws.
std::string compared(const std::string& first_name, const std::vector<double>& first, const std::string& second_name,
                     const std::vector<double>& second, int decimals) {
  const examples::Paired pair = examples::paired(first, second);
  return fixed(pair.first, decimals) + " with " + first_name + " and " + fixed(pair.second, decimals) + " with " + second_name +
         " in the mean of " + std::to_string(pair.runs) + " draws, " +
         (!pair.told_apart()       ? "which does not tell them apart"
          : pair.first_is_higher() ? "so it is higher with " + first_name
                                   : "so it is lower with " + first_name) +
         " (95 % interval of the difference " + fixed(pair.interval->low, decimals) + " to " +
         fixed(pair.interval->high, decimals) + ")";
}

/// How far each draw's line lies from the middle one, in degrees.
template <class Run>
std::vector<double> departures(const std::vector<Run>& runs) {
  std::vector<double> values = turns(runs);
  const double middle = examples::median(values);
  for (double& value : values) value = std::abs(value - middle);
  return values;
}

/// Why a value may lie outside the interval: the draws are many, but not normal.
std::string tail(double published, const std::vector<double>& ours) {
  double beyond = 0;
  const bool below = published < examples::median(ours);
  for (const double value : ours) beyond += below ? value <= published : value >= published;
  return "the draws are not normal (most reach the same end), which the interval takes them to be; of " +
         std::to_string(ours.size()) + " draws of ours " + examples::percent(beyond / static_cast<double>(ours.size())) +
         " end as far out as the published one.";
}

/// What was published by epoch, on our draws: median and middle 90 %.
void draw_published_curves(Results& results, const Json& published, const std::vector<PublishedRun>& perceptron,
                           const std::vector<PublishedRun>& hinge) {
  Figure figure{"problem1_published_curves", "As published: training accuracy and what was called the mean loss, by epoch",
                "Lines: median over the draws; bands: the middle 90 %; crosses: the published run. What is called a loss here "
                "does not fall while the accuracy "
                "rises.",
                760, 380};
  figure << "set multiplot layout 1,2\nset xlabel 'epoch'\nset xtics 1\nset style fill transparent solid 0.25 noborder\nset key "
            "bottom right";
  for (const auto& [key, label, curve] :
       {std::tuple{"train_accuracy_by_epoch", "training accuracy", &PublishedRun::accuracy_by_epoch},
        std::tuple{"mean_loss_by_epoch", "\"mean loss\"", &PublishedRun::loss_by_epoch}}) {
    std::string plot;
    int colour = 1;
    for (const auto& [loss, runs] : {std::pair{"perceptron", &perceptron}, std::pair{"hinge", &hinge}}) {
      std::vector<std::vector<double>> rows;
      for (std::size_t epoch = 0; epoch < published_epochs; ++epoch) {
        std::vector<double> values;
        for (const PublishedRun& run : *runs) values.push_back((run.*curve)[epoch]);
        rows.push_back({1.0 + static_cast<double>(epoch), examples::quantile(values, 0.5), examples::quantile(values, 0.05),
                        examples::quantile(values, 0.95), published[loss][key][epoch]});
      }
      const std::string block = std::string{loss} + '_' + key, lt = " lt " + std::to_string(colour++);
      figure.data(block, rows);
      plot += (plot.empty() ? "$" : ", $") + block + " using 1:3:4 with filledcurves" + lt + " notitle, $" + block +
              " using 1:2 with lines" + lt + " title '" + loss + "', $" + block + " using 1:5 with points" + lt +
              " pt 2 ps 0.8 notitle";
    }
    figure << "set ylabel '" + std::string{label} + "'\nset yrange [0:*]\nplot " + plot;
  }
  figure << "unset multiplot";
  results.figure(figure);
}

void report_published(Results& results, const std::vector<PublishedRun>& perceptron, const std::vector<PublishedRun>& hinge,
                      int repeats) {
  report_runs(results, Form::published, "perceptron", perceptron, repeats);
  report_runs(results, Form::published, "hinge", hinge, repeats);
  const Json published = examples::published("problem1");
  std::vector<Agreement> rows;
  for (const auto& [loss, runs] : {std::pair{"perceptron", &perceptron}, std::pair{"hinge", &hinge}}) {
    const std::string name = std::string{loss} + ", ";
    std::vector<double> accuracies, losses, angles;
    for (const PublishedRun& run : *runs) angles.push_back(turn(run.weights));
    for (const PublishedRun& run : *runs)
      accuracies.push_back(run.accuracy_by_epoch.back()), losses.push_back(run.loss_by_epoch.back());
    const auto add = [&](const std::string& figure, double value, const std::vector<double>& ours) {
      rows.push_back(Agreement::of_runs(name + figure, value, ours, 3, tail(value, ours)));
    };
    add("test accuracy", published[loss]["test_accuracy"], all(*runs, &PublishedRun::test_accuracy));
    add("\"test loss\"", published[loss]["test_loss"], all(*runs, &PublishedRun::test_loss));
    add("training accuracy, epoch 10", published[loss]["train_accuracy_by_epoch"].back(), accuracies);
    add("\"mean loss\", epoch 10", published[loss]["mean_loss_by_epoch"].back(), losses);
    if (published[loss].contains("final_weights"))
      add("angle to the true line in degrees", turn(published[loss]["final_weights"].get<std::array<double, 2>>()), angles);
  }
  results.agreement("problem1_published", "As published, over " + std::to_string(hinge.size()) + " draws", rows);

  const auto first = all(hinge, &PublishedRun::test_accuracy), second = all(perceptron, &PublishedRun::test_accuracy);
  results.finding("published_difference", "By the published rules the test accuracy is " +
                                              compared("the hinge variant", first, "the perceptron variant", second, 3) + ".");
  results.finding("published_scatter",
                  "By the published rules a draw's line departs from the middle one by " +
                      compared("the hinge variant", departures(hinge), "the perceptron variant", departures(perceptron), 1) +
                      ", in degrees.");
  double lower = 0;
  for (std::size_t i = 0; i < first.size(); ++i) lower += first[i] < second[i];
  results.finding("published_order", "On " + examples::percent(lower / static_cast<double>(first.size()), 0) +
                                         " of the draws the published hinge rule ends below the published perceptron rule.");
  const auto turned = turns(hinge);
  results.finding("published_turn", "In the median the line that the published hinge rule learns is turned by " +
                                        fixed(std::abs(examples::median(turned)), 1) + " degrees, towards the " +
                                        (examples::median(turned) < 0 ? "+1" : "-1") +
                                        " points, that of the published perceptron rule by " +
                                        fixed(std::abs(examples::median(turns(perceptron))), 1) + ".");
  draw_published_curves(results, published, perceptron, hinge);
}

/// What one would conclude after fewer epochs.
void report_stopping(Results& results, const std::vector<int>& epochs, const std::vector<CorrectedRun>& perceptron,
                     const std::vector<CorrectedRun>& hinge) {
  examples::Rows rows{
      {"epochs", "perceptron", "hinge", "hinge - perceptron", "95 % interval", "all points right: perceptron", "hinge"}};
  std::string ahead, behind;  // the last epochs where the hinge loss is told to be so
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    std::vector<double> first, second;
    double first_right = 0, second_right = 0;
    for (std::size_t draw = 0; draw < hinge.size(); ++draw) {
      first.push_back(perceptron[draw].test_accuracy_by_epoch[i]);
      second.push_back(hinge[draw].test_accuracy_by_epoch[i]);
      first_right += perceptron[draw].accuracy_by_epoch[i] == 1;
      second_right += hinge[draw].accuracy_by_epoch[i] == 1;
    }
    const double n = static_cast<double>(hinge.size());
    const examples::Paired pair = examples::paired(second, first);
    if (pair.interval->high < 0) behind = std::to_string(epochs[i]);
    if (pair.interval->low > 0 && ahead.empty()) ahead = std::to_string(epochs[i]);
    rows.push_back({std::to_string(epochs[i]), fixed(pair.second, 4), fixed(pair.first, 4), fixed(pair.difference, 4),
                    fixed(pair.interval->low, 4) + " to " + fixed(pair.interval->high, 4), examples::percent(first_right / n),
                    examples::percent(second_right / n)});
  }
  results.table("problem1_stopping",
                "Corrected: mean test accuracy, and share of draws with all training points right, after so many epochs", rows);
  results.finding(
      "stopping",
      std::string{"By epochs: "} +
          (behind.empty() ? "the hinge loss is nowhere told to be behind" : "the hinge loss is behind up to epoch " + behind) +
          (ahead.empty() ? ", and nowhere told to be ahead." : ", and ahead from epoch " + ahead + " on."));
}

void report_corrected(Results& results, const std::vector<CorrectedRun>& perceptron, const std::vector<CorrectedRun>& hinge,
                      int repeats, int epochs) {
  report_runs(results, Form::corrected, "perceptron", perceptron, repeats);
  report_runs(results, Form::corrected, "hinge", hinge, repeats);
  const std::vector<int> looked_at = looked_at_until(epochs);
  for (int repeat = 0; repeat < repeats; ++repeat) results.at(Form::corrected, repeat)["epochs_looked_at"] = looked_at;
  examples::Rows rows{
      {"loss", "test accuracy, median", "2.5 % to 97.5 %", "test loss, median", "angle, deviation", "all points right"}};
  for (const auto& [loss, runs] : {std::pair{"perceptron", &perceptron}, std::pair{"hinge", &hinge}}) {
    const auto accuracies = all(*runs, &CorrectedRun::test_accuracy);
    double fitted = 0;
    for (const CorrectedRun& run : *runs) fitted += run.train_accuracy == 1;
    rows.push_back({loss, fixed(examples::median(accuracies), 3),
                    fixed(examples::quantile(accuracies, 0.025), 3) + " to " + fixed(examples::quantile(accuracies, 0.975), 3),
                    fixed(examples::median(all(*runs, &CorrectedRun::test_loss)), 4),
                    fixed(examples::deviation(turns(*runs)), 2) + " degrees",
                    examples::percent(fitted / static_cast<double>(runs->size()))});
  }
  results.table("problem1_corrected",
                "Corrected, " + std::to_string(epochs) + " epochs, " + std::to_string(hinge.size()) + " draws", rows);

  results.finding("generalisation", "With the right subgradients the test accuracy after " + std::to_string(epochs) +
                                        " epochs is " +
                                        compared("the hinge loss", all(hinge, &CorrectedRun::test_accuracy),
                                                 "the perceptron loss", all(perceptron, &CorrectedRun::test_accuracy), 4) +
                                        ".");
  results.finding("stability",
                  "A draw's line departs from the middle one by " +
                      compared("the hinge loss", departures(hinge), "the perceptron loss", departures(perceptron), 2) +
                      ", in degrees.");
  report_stopping(results, looked_at, perceptron, hinge);

  Figure curves{"problem1_curves", "Corrected: loss and test accuracy by epoch",
                "Left: mean training loss; the line is the median over the draws, the band the middle 90 %. Right: mean test "
                "accuracy over the draws, with the 95 % interval of that mean. The perceptron loss rests as soon "
                "as all points are right; the hinge loss is slower, and goes on as long as a point lacks its margin.",
                760, 380};
  add_curves(curves, "perceptron", looked_at, perceptron);
  add_curves(curves, "hinge", looked_at, hinge);
  curves << "set multiplot layout 1,2\nset xlabel 'epoch'\nset logscale x\nset xrange [0.9:*]\nset style fill transparent solid "
            "0.25 noborder";
  for (const std::string figure : {"loss", "accuracy"}) {
    curves << "set ylabel '" + std::string{figure == "loss" ? "mean training loss" : "mean test accuracy"} + "'\nset yrange [" +
                  (figure == "loss" ? "0:*" : "0.85:1") + "]\nset key " + (figure == "loss" ? "top" : "bottom") +
                  " right\nplot $perceptron_" + figure + " using 1:3:4 with filledcurves lt 1 notitle, $hinge_" + figure +
                  " using 1:3:4 with filledcurves lt 2 notitle, $perceptron_" + figure +
                  " using 1:2 with lines lt 1 title 'perceptron', $hinge_" + figure + " using 1:2 with lines lt 2 title 'hinge'";
  }
  curves << "unset multiplot";
  results.figure(curves);
}

int problem1(const examples::Options& options) {
  Results results{options, "problem1", "Problem 1: perceptron loss and hinge loss on two-dimensional points."};
  std::cout << "On the CPU, where ensembles run.\n";
  const std::size_t draws = options.quick ? 200 : 1000;
  const int repeats = options.repeats ? options.repeats : 5, epochs = options.epochs ? options.epochs : 3000;
  if (static_cast<std::size_t>(repeats) > draws)
    throw ArgumentError("--repeats: ", repeats, " of ", draws, " draws, expected at most as many");
  results.run_info() = {{"draws", draws}, {"corrected_epochs", epochs}};

  std::vector<Points> train, test;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    train.push_back(draw_points(options.seed, static_cast<Index>(draw), train_points, false));
    test.push_back(draw_points(options.seed, static_cast<Index>(draw), test_points, true));
  }
  results.part("1", "Perceptron and hinge loss", [&] {
    Figure points{
        "problem1_training_points", "The 20 training points of the first draw",
        "Label -1 lies on and above the true line x0 = x1, label +1 below it. With so few points many lines tell the two apart.",
        460, 440};
    std::vector<std::vector<double>> rows;
    for (const Point& p : train[0]) rows.push_back({p.x0, p.x1, p.label});
    points.data("points", rows);
    points << "set size square\nset xlabel 'x_0'\nset ylabel 'x_1'\nset xrange [0:1]\nset yrange [0:1]\nset key outside bottom "
              "center horizontal\n"
              "plot $points using 1:($3 < 0 ? $2 : NaN) with points lt 1 pt 7 ps 0.9 title '-1', $points using 1:($3 > 0 ? $2 : "
              "NaN) "
              "with points lt 2 pt 5 ps 0.9 title '+1', x with lines lt 3 dt 2 title 'true line'";
    results.figure(points);

    std::vector<PublishedRun> old_perceptron, old_hinge;
    std::vector<CorrectedRun> perceptron, hinge;
    if (options.wants(Form::published)) {
      for (std::size_t draw = 0; draw < draws; ++draw) {
        old_perceptron.push_back(run_as_published(false, train[draw], test[draw]));
        old_hinge.push_back(run_as_published(true, train[draw], test[draw]));
      }
      report_published(results, old_perceptron, old_hinge, repeats);
      draw_predictions(results, "problem1_published_predictions", "Test points by predicted label, as published",
                       "The 1000 test points of the first draw. Points between the two lines are wrong. The published hinge rule "
                       "pushes every point that is rightly predicted as "
                       "-1 further, and no point of the other class, which turns its line to one side.",
                       test[0], old_perceptron[0].weights, old_hinge[0].weights);
    }
    if (options.wants(Form::corrected) && !examples::interrupted()) {
      perceptron = run_corrected(Perceptron{}, train, test, epochs);
      hinge = run_corrected(Hinge{}, train, test, epochs);
      if (examples::interrupted()) return;
      report_corrected(results, perceptron, hinge, repeats, epochs);
      draw_predictions(results, "problem1_corrected_predictions", "Test points by predicted label, corrected",
                       "The same points with the losses of the margin y w.x. Which of the two lines is "
                       "closer to the true one differs from draw to draw.",
                       test[0], perceptron[0].weights, hinge[0].weights);
    }
    if (old_hinge.empty() || hinge.empty()) return;
    const Json published = examples::published("problem1");
    draw_spread(results, "problem1_accuracies", "Test accuracy over all draws",
                "A violin is as wide as the values are frequent; the dot is the median, the bar reaches from quartile to "
                "quartile. Crosses: the published run. The wider a violin, "
                "the less one draw of 20 points says.",
                "test accuracy", "[0.4:1]",
                {all(old_perceptron, &PublishedRun::test_accuracy), all(old_hinge, &PublishedRun::test_accuracy),
                 all(perceptron, &CorrectedRun::test_accuracy), all(hinge, &CorrectedRun::test_accuracy)},
                ", '-' using 1:2 with points lt 4 pt 2 ps 1.2 lw 2 title 'published run'\n1 " +
                    published["perceptron"]["test_accuracy"].dump() + "\n2 " + published["hinge"]["test_accuracy"].dump() +
                    "\ne");
    draw_spread(results, "problem1_turns", "Angle between the learnt line and the true one, over all draws",
                "0 is the true line. The narrower the violin, the less the solution changes when the training points are drawn "
                "anew. Lines "
                "that are turned by more than the axis shows are left out of the picture, not of the numbers.",
                "angle in degrees", "[-60:40]", {turns(old_perceptron), turns(old_hinge), turns(perceptron), turns(hinge)});
  });
  results.write();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run(argc, argv, "problem1_perceptron",
                       "Problem 1 of the assignment: perceptron loss and hinge loss on two-dimensional points, over 1000 draws.",
                       problem1, {"1"}, "ensembles run");
}
