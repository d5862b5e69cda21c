// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace examples {

/// A picture that gnuplot draws: data under names, then gnuplot's own commands. Line types 1 to 6 are colours that the colour-blind tell
/// apart and that are seen on white and on black; lines, borders and text without a colour take that of the text around them.
class Figure {
 public:
  /// `name` is the file's, without ending; `caption` says what to see. Width and height in pixels.
  Figure(std::string name, std::string title, std::string caption, int width = 720, int height = 420);

  /// Rows of numbers, called `$block` in the commands; an empty row parts the data into two.
  Figure& data(const std::string& block, const std::vector<std::vector<double>>& rows);
  /// One violin for each group of values, at x = 1, 2, ..., 0.9 wide, with a dot at its median and a bar from quartile to
  /// quartile: `plot` followed by `violins("$block", colour number)`. `points` heights a violin: fewer make the file smaller.
  Figure& violin_data(const std::string& block, const std::vector<std::vector<double>>& groups, int points = 80);
  /// What plots the violins of a block.
  static std::string violins(const std::string& block, int colour = 1);
  /// gnuplot commands; a line's end is added.
  Figure& operator<<(const std::string& commands);

  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  const std::string& caption() const { return caption_; }

  /// Draws it into `folder`, as `name`.svg; false where Ctrl-C came in between. Throws std::runtime_error where gnuplot refuses the
  /// commands or the file cannot be written.
  bool draw(const std::filesystem::path& folder) const;

 private:
  std::string name_, title_, caption_;
  int width_, height_;
  std::string script_;
};

/// Whether gnuplot is on this machine.
bool gnuplot_there();

}  // namespace examples
