// SPDX-License-Identifier: MIT
#include "common/figure.hpp"

#include <sys/wait.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "common/program.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"

namespace examples {

namespace {

constexpr const char* preamble = R"(
set encoding utf8
set linetype 1 lc rgb '#1b87c9' lw 2 pt 7 ps 0.5
set linetype 2 lc rgb '#ee7733' lw 2 pt 5 ps 0.5
set linetype 3 lc rgb '#009988' lw 2 pt 9 ps 0.6
set linetype 4 lc rgb '#ee3377' lw 2 pt 13 ps 0.6
set linetype 5 lc rgb '#33bbee' lw 2 pt 11 ps 0.6
set linetype 6 lc rgb '#999933' lw 2 pt 6 ps 0.6
set linetype cycle 6
set border 3
set clip two
set tics nomirror
set grid lc rgb '#909090' lw 0.4 dt 3
set key top right samplen 2 spacing 1.1
)";

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  char text[32];
  std::snprintf(text, sizeof text, "%.7g", value);
  return text;
}

/// gnuplot's black becomes the colour of the text around the picture; on its own the picture is dark on white.
std::string with_text_colour(std::string svg, const std::string& title) {
  svg = std::regex_replace(svg, std::regex{R"((fill|stroke|color)=(["'])black\2)"}, "$1='currentColor'");
  svg = std::regex_replace(svg, std::regex{R"(color='currentColor')"}, "");  // it would be itself
  svg = std::regex_replace(svg, std::regex{R"(rgb\(\s*0,\s*0,\s*0\))"}, "currentColor");
  svg =
      std::regex_replace(svg, std::regex{"<title>[^<]*</title>\\s*<desc>[^<]*</desc>"}, "<title>" + escaped(title) + "</title>");
  svg = std::regex_replace(svg, std::regex{"<image "}, "<image style=\"image-rendering:pixelated\" ");  // pixels, not a blur
  for (std::string before; before != svg;) {  // groups with nothing in them, half of a file of many panels
    before = svg;
    svg = std::regex_replace(svg, std::regex{"<g [^>]*>\\s*</g>\\s*"}, "");
  }
  const auto root = svg.find("<svg ");
  if (root != std::string::npos) svg.insert(root + 5, "style=\"color:#1b1f24;background:#fff\" ");
  return svg;
}

/// Its exit status. std::system would do, but has the caller deaf to Ctrl-C for as long.
int run_in_shell(const std::string& command) {
  std::FILE* const shell = ::popen(command.c_str(), "w");
  return shell == nullptr ? -1 : ::pclose(shell);
}
bool ended_by_ctrl_c(int status) {
  return (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) || (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGINT);
}

}  // namespace

Figure::Figure(std::string name, std::string title, std::string caption, int width, int height)
    : name_{std::move(name)}, title_{std::move(title)}, caption_{std::move(caption)}, width_{width}, height_{height} {}

Figure& Figure::data(const std::string& block, const std::vector<std::vector<double>>& rows) {
  script_ += '$' + block + " << END_OF_DATA\n";
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) script_ += (i ? " " : "") + number(row[i]);
    script_ += '\n';
  }
  script_ += "END_OF_DATA\n";
  return *this;
}

Figure& Figure::violin_data(const std::string& block, const std::vector<std::vector<double>>& groups, int points) {
  std::vector<std::vector<double>> outline, middle;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].empty()) continue;
    const double x = static_cast<double>(i + 1);
    const std::vector<DensityPoint> density = smoothed_density(groups[i], points);
    for (const auto& point : density) outline.push_back({x - 0.45 * point.density, point.value});
    for (auto point = density.rbegin(); point != density.rend(); ++point)
      outline.push_back({x + 0.45 * point->density, point->value});
    outline.push_back({x - 0.45 * density[0].density, density[0].value});
    outline.push_back({});
    outline.push_back({});
    std::vector<double> sorted = groups[i];
    std::sort(sorted.begin(), sorted.end());
    middle.push_back({x, quantile_of_sorted(sorted, 0.25), quantile_of_sorted(sorted, 0.5), quantile_of_sorted(sorted, 0.75)});
  }
  data(block, outline);
  return data(block + "_middle", middle);
}

std::string Figure::violins(const std::string& block, int colour) {
  const std::string c = std::to_string(colour);
  return block + " using 1:2 with filledcurves closed fs transparent solid 0.35 noborder lt " + c + " notitle, " + block +
         " using 1:2 with lines lt " + c + " lw 1 notitle, " + block + "_middle using 1:2:(0):($4-$2) with vectors nohead lt " +
         c + " lw 4 notitle, " + block + "_middle using 1:3 with points pt 7 ps 0.4 lc rgb 'black' notitle";
}

Figure& Figure::operator<<(const std::string& commands) {
  script_ += commands + '\n';
  return *this;
}

bool Figure::draw(const std::filesystem::path& folder) const {
  const std::filesystem::path file = folder / (name_ + ".svg"), unfinished = folder / (name_ + ".svg.unfinished"),
                              script = folder / (name_ + ".gnuplot");
  write_text(script, "set terminal svg size " + std::to_string(width_) + ',' + std::to_string(height_) +
                         " dynamic standalone font 'sans-serif,13'\nset output '" + unfinished.filename().string() + "'\n" +
                         preamble + script_ + "\nunset output\n");
  // The names are the programs' own; the folder, which is the user's, goes through the environment.
  ::setenv("TARN_FIGURES", std::filesystem::absolute(folder).c_str(), 1);
  const int status = run_in_shell("cd -- \"$TARN_FIGURES\" && exec gnuplot " + name_ + ".gnuplot");
  std::ifstream in{unfinished, std::ios::binary};
  std::ostringstream svg;
  svg << in.rdbuf();
  in.close();
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  if (ended_by_ctrl_c(status) && !interrupted()) std::raise(SIGINT);  // a signal to gnuplot alone counts as well
  if (status != 0 && interrupted()) {
    std::filesystem::remove(script, ignored);
    return false;
  }
  if (status != 0 || svg.str().find("</svg>") == std::string::npos)
    throw std::runtime_error(file.string() + ": gnuplot could not draw it; its commands are in " + script.string());
  write_text(file, with_text_colour(svg.str(), title_));
  std::filesystem::remove(script, ignored);
  return true;
}

bool gnuplot_there() {
  static const bool there = run_in_shell("gnuplot --version > /dev/null 2>&1") == 0;
  return there;
}

}  // namespace examples
