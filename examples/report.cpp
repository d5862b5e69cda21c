// SPDX-License-Identifier: MIT
// Makes report.html, one page that needs nothing else, of what the four problems' programs left in a folder.
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>
#include <sstream>

#include <CLI/CLI.hpp>
#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include <tarn/error.hpp>
#include <tarn/version.hpp>
#include "common/program.hpp"
#include "common/results.hpp"

namespace {

using examples::escaped;
using examples::Json;
using kainjow::mustache::data;
using kainjow::mustache::mustache;
namespace fs = std::filesystem;

const std::vector<std::string> problems{"problem1", "problem2", "problem3", "problem4"};
const std::string not_run = "<span class=\"missing\">(not part of this run)</span>";

std::string read_text(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw tarn::IoError(file.string(), ": cannot be read");
  return text.str();
}

/// The page's text stands beside this file, in report/.
std::string page_text(const std::string& name) { return read_text(fs::path{TARN_EXAMPLES_DATA}.parent_path() / "report" / name); }

std::string formatted(const Json& value, const std::string& format) {
  if (!value.is_number()) return value.is_string() ? value.get<std::string>() : value.dump();
  const double number = value.get<double>();
  if (format == "percent") return examples::percent(number);
  if (format == "percent2") return examples::percent(number, 2);
  if (format.size() == 1 && format[0] >= '0' && format[0] <= '9') return examples::fixed(number, format[0] - '0');
  char text[32];
  std::snprintf(text, sizeof text, format == "sci" ? "%.1e" : "%.4g", number);
  return text;
}

/// What one page is made of: the results of the problems, and the numbers that pictures and tables have got so far.
class Page {
 public:
  explicit Page(const fs::path& folder) : folder_{folder} {
    for (const auto& problem : problems)
      if (fs::exists(folder / (problem + ".json"))) results_[problem] = examples::read_json(folder / (problem + ".json"));
    if (results_.empty())
      throw tarn::IoError(folder.string(), ": none of problem1.json to problem4.json is there; run the programs with --out ",
                          folder.string(), " first");
  }

  std::string html() {
    std::string sections;
    for (const auto& problem : problems) sections += section(problem);
    data page;
    page.set("style", page_text("style.css"));
    page.set("banner", banner());
    page.set("summary", summary());
    page.set("sections", sections);
    page.set("agreement", agreement());
    page.set("times", times());
    page.set("run", run());
    page.set("version", tarn::version);
    std::string html = std::regex_replace(render("page.html", page), std::regex{" %"}, "&#160;%");
    const std::string mark = "<!-- contents -->";
    if (const auto at = html.find(mark); at != std::string::npos) html.replace(at, mark.size(), contents(html));
    return html;
  }

 private:
  static std::string render(const std::string& name, data& values) {
    mustache text{page_text(name)};
    if (!text.is_valid()) throw tarn::IoError("report/", name, ": ", text.error_message());
    const std::string html = text.render(values);
    if (!text.error_message().empty()) throw tarn::IoError("report/", name, ": ", text.error_message());
    return html;
  }

  const Json* found(const std::string& problem) const {
    const auto at = results_.find(problem);
    return at == results_.end() ? nullptr : &at->second;
  }

  std::string section(const std::string& problem) {
    const Json* results = found(problem);
    const auto lambda = [&](auto text) {
      return data{kainjow::mustache::lambda2{
          [=](const std::string& name, const kainjow::mustache::renderer&) { return results ? text(name) : not_run; }}};
    };
    data values;
    values.set("figure", lambda([=, this](const std::string& name) { return figure(*results, name); }));
    values.set("table", lambda([=, this](const std::string& name) { return table(*results, name); }));
    values.set("finding", lambda([=](const std::string& name) {
                 return results->at("findings").contains(name)
                            ? "<span class=\"finding\">" + escaped(results->at("findings")[name].get<std::string>()) + "</span>"
                            : not_run;
               }));
    values.set("value", lambda([=](const std::string& name) {
                 const auto bar = name.find('|');
                 const Json::json_pointer pointer{'/' + name.substr(0, bar)};
                 return results->contains(pointer)
                            ? escaped(formatted(results->at(pointer), bar == std::string::npos ? "" : name.substr(bar + 1)))
                            : not_run;
               }));
    return render(problem + ".html", values);
  }

  std::string figure(const Json& results, const std::string& name) {
    for (const Json& entry : results.at("figures")) {
      if (entry.at("name") != name) continue;
      const std::string number = std::to_string(++figures_);
      return "<figure id=\"figure-" + number + "\"><div class=\"plot\">" + inline_svg(name) + "</div><figcaption><b>Figure " +
             number + ". " + escaped(entry.at("title")) + (results.at("quick") ? " (quick run)" : "") + ".</b> " +
             escaped(entry.at("caption")) + "</figcaption></figure>";
    }
    return "<p>" + (results.at("run").at("gnuplot") ? not_run : "<span class=\"missing\">(not drawn)</span>") + "</p>";
  }

  /// A picture as a part of the page: without the head of a file, in the page's colours, its ids its own.
  std::string inline_svg(const std::string& name) const {
    std::string svg = read_text(folder_ / (name + ".svg"));
    const auto root = svg.find("<svg");
    if (root == std::string::npos) throw tarn::IoError((folder_ / (name + ".svg")).string(), ": found no <svg> in it");
    svg.erase(0, root);
    svg = std::regex_replace(svg, std::regex{"style=\"color:[^\"]*\""}, "role=\"img\"");
    svg = std::regex_replace(svg, std::regex{R"((id|xlink:href)=(["'])(#?)(gp|gnuplot|textbox|greybox))"},
                             "$1=$2$3" + name + "-$4");
    svg = std::regex_replace(svg, std::regex{R"(url\(#)"}, "url(#" + name + "-");
    std::smatch box;
    const std::regex width{"viewBox=\"0 0 ([0-9]+) ([0-9]+)\""};
    if (std::regex_search(svg, box, width)) svg.insert(4, " style=\"max-width:" + box[1].str() + "px\"");
    return svg;
  }

  static std::string rows(const Json& rows) {
    std::string html = "<div class=\"scroll\"><table>";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      html += i == 0 ? "<thead><tr>" : i == 1 ? "<tbody><tr>" : "<tr>";
      for (const Json& cell : rows[i]) {
        const std::string text = escaped(cell.get<std::string>());
        html += i == 0 ? "<th scope=\"col\">" + text + "</th>" : "<td>" + text + "</td>";
      }
      html += i == 0 ? "</tr></thead>" : "</tr>";
    }
    return html + (rows.size() > 1 ? "</tbody>" : "") + "</table></div>";
  }

  std::string table(const Json& results, const std::string& name) {
    for (const Json& entry : results.at("tables"))
      if (entry.at("name") == name)
        return "<p class=\"caption\"><b>Table " + std::to_string(++tables_) + ". " + escaped(entry.at("title")) +
               (results.at("quick") ? " (quick run)" : "") + "</b></p>" + rows(entry.at("rows"));
    return "<p>" + not_run + "</p>";
  }

  /// What the reader must know before anything else: quick, interrupted or missing runs.
  std::string banner() const {
    std::string text;
    for (const auto& problem : problems) {
      const std::string name = "Problem " + problem.substr(7);
      const Json* results = found(problem);
      if (!results) {
        text += "<p>" + name + " was not run.</p>";
        continue;
      }
      const Json& run = results->at("run");
      if (results->at("quick"))
        text += "<p>" + name + " is a <b>quick run</b>: a sample of the data, or less training. Its numbers say little.</p>";
      if (!run.at("complete")) text += "<p>" + name + " was interrupted; what had been finished is shown.</p>";
      if (run.at("only") != "") text += "<p>Of " + name + " part " + escaped(run.at("only")) + " alone was run.</p>";
      if (run.at("form") != "both") text += "<p>" + name + " was run in the " + escaped(run.at("form")) + " form alone.</p>";
      if (!run.at("gnuplot")) text += "<p>" + name + " has no pictures: gnuplot was not on the machine.</p>";
    }
    return text.empty() ? "" : "<div class=\"banner\" role=\"note\">" + text + "</div>";
  }

  std::string summary() const {
    int within = 0, outside = 0, open = 0;
    for (const auto& [problem, results] : results_)
      for (const Json& row : results.at("agreement"))
        ++(row.at("verdict") == "yes" ? within : row.at("verdict") == "no" ? outside : open);
    double seconds = 0;
    for (const auto& [problem, results] : results_)
      for (const auto& [part, value] : results.at("run").at("seconds").items()) seconds += value.get<double>();
    const auto s = [](int count) { return std::to_string(count); };
    std::string text = "Of " + s(within + outside + open) + " published figures that depend on chance, " + s(within) +
                       " lie where one more run of ours would fall with 95 % probability, " + s(outside) + " outside";
    if (open) text += ", and for " + s(open) + " there are too few runs to judge";
    return text + ". All the runs on this page took " +
           (seconds < 100 ? examples::fixed(seconds, 0) + " seconds." : examples::fixed(seconds / 60, 1) + " minutes.");
  }

  std::string agreement() const {
    Json list = Json::array({{"problem", "figure", "published", "ours", "spread", "95 % for one more run", "within"}});
    std::string reasons;
    for (const auto& [problem, results] : results_)
      for (const Json& row : results.at("agreement")) {
        list.push_back({problem.substr(7), row.at("figure"), row.at("published"), row.at("ours"), row.at("spread"),
                        row.at("interval"), row.at("verdict")});
        if (row.at("why") != "")
          reasons +=
              "<li>Problem " + problem.substr(7) + ", " + escaped(row.at("figure")) + ": " + escaped(row.at("why")) + "</li>";
      }
    return rows(list) + (reasons.empty() ? "" : "<p>Where a published figure lies outside:</p><ul>" + reasons + "</ul>");
  }

  std::string times() const {
    Json list = Json::array({{"part", "seconds"}});
    double all = 0;
    for (const auto& [problem, results] : results_)
      for (const auto& [part, value] : results.at("run").at("seconds").items()) {
        list.push_back({part, examples::fixed(value.get<double>(), 1)});
        all += value.get<double>();
      }
    list.push_back({"all", examples::fixed(all, 1)});
    return rows(list);
  }

  std::string run() const {
    Json list = Json::array({{"", "repeats", "seed", "device", "threads", "instruction set", "finished"}});
    for (const auto& [problem, results] : results_) {
      const Json& run = results.at("run");
      list.push_back({"Problem " + problem.substr(7), run.at("repeats").dump(), run.at("seed").dump(), run.at("device"),
                      run.at("threads").dump(), run.at("instruction_set"), run.at("finished")});
    }
    const Json& first = results_.begin()->second.at("run");
    const Json &machine = first.at("machine"), &versions = first.at("versions");
    return rows(list) + "<p>Machine: " + escaped(machine.at("processor")) + ", " + machine.at("cores").dump() + " cores, " +
           formatted(machine.at("memory_gib"), "0") + " GiB of memory, " + escaped(machine.at("system")) + ". Tarn " +
           escaped(versions.at("tarn")) + ", compiled by " + escaped(versions.at("compiler")) + ".</p>";
  }

  /// A list of the headings that have an id.
  static std::string contents(const std::string& html) {
    const std::regex heading{"<h([23]) id=\"([^\"]+)\">(.*?)</h[23]>"};
    std::string list = "<ul>";
    bool inside = false;
    for (auto at = std::sregex_iterator{html.begin(), html.end(), heading}; at != std::sregex_iterator{}; ++at) {
      const bool sub = (*at)[1] == "3";
      if (sub != inside) list += sub ? "<ul>" : "</ul>";
      inside = sub;
      list += "<li><a href=\"#" + (*at)[2].str() + "\">" + (*at)[3].str() + "</a>";
    }
    return list + (inside ? "</ul>" : "") + "</ul>";
  }

  fs::path folder_;
  std::map<std::string, Json> results_;  // by problem
  int figures_ = 0, tables_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes report.html of what the programs of the four problems left in a folder.", "report"};
  fs::path folder = "report";
  app.set_version_flag("--version", std::string{"report (Tarn "} + tarn::version + ")");
  app.add_option("folder,--out", folder, "folder of the results; the page goes there too")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "report: " << error.what() << '\n';
    return examples::wrong_option;
  }
  try {
    const fs::path file = folder / "report.html";
    examples::write_text(file, Page{folder}.html());
    std::cout << "Written: " << file.string() << '\n';
    return 0;
  } catch (const tarn::IoError& error) {
    std::cerr << "report: " << error.what() << '\n';
    return examples::bad_data;
  } catch (const Json::exception& error) {
    std::cerr << "report: " << folder.string() << ": a problem's JSON file is not as the programs write it: " << error.what()
              << '\n';
    return examples::bad_data;
  } catch (const std::exception& error) {
    std::cerr << "report: " << error.what() << '\n';
    return examples::failed;
  }
}
