// SPDX-License-Identifier: MIT
#include <cstdio>

#include "program.hpp"

using namespace support;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// What a browser finds when it has laid the page out. The page stands in a frame, which may be narrower than windows can be, and the
/// script tells the page around it.
constexpr const char* probe = R"(<script>
addEventListener('load', () => {
  const box = element => element.getBoundingClientRect();
  const seen = element => box(element).width > 50 && box(element).height > 50 && getComputedStyle(element).visibility === 'visible' &&
                          getComputedStyle(element).display !== 'none';
  const figures = [...document.querySelectorAll('figure')];
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  const found = {
    width: innerWidth,
    page_width: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
    figures: figures.length,
    hidden: figures.filter(figure => !figure.querySelector('svg') || !seen(figure) || !seen(figure.querySelector('svg'))).map(figure => figure.id),
    empty: figures.filter(figure => figure.querySelectorAll('svg path, svg use, svg image, svg circle').length < 5).map(figure => figure.id),
    same_ids: ids.filter((id, at) => ids.indexOf(id) !== at),
    dead_links: [...document.querySelectorAll('a[href^="#"]')].map(link => link.getAttribute('href')).filter(link => !document.getElementById(link.slice(1))),
    dead_uses: [...document.querySelectorAll('svg use')].map(use => use.getAttribute('xlink:href')).filter(link => !document.getElementById(link.slice(1))),
    ink: getComputedStyle(document.body).color,
    page: getComputedStyle(document.body).backgroundColor
  };
  parent.postMessage(JSON.stringify(found), '*');
});
</script>)";

std::string browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (std::system((std::string{"command -v "} + name + " > /dev/null 2>&1").c_str()) == 0) return name;
  return "";
}

/// Opens the page in a window of this width.
Json look(const Folder& folder, const std::string& page, int width, const std::string& options = "") {
  const fs::path frame = folder.path / "frame.html", file = folder.path / "page.html", dom = folder.path / "dom.html",
                 log = folder.path / "log.txt";
  std::ofstream{file} << page << probe;
  std::ofstream{frame} << "<!doctype html><title>frame</title><link rel=icon href='data:,'><script>addEventListener('message', "
                          "message => document.body.append('FOUND' + message.data + 'END'))</script><iframe src='page.html' "
                          "style='border:0' width="
                       << width << " height=900></iframe>";
  const std::string command =
      "timeout 120 " + browser() +
      " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir=" +
      (folder.path / "profile").string() + " --enable-logging=stderr --virtual-time-budget=20000 " + options +
      " --window-size=1300,1000 --dump-dom file://" + frame.string() + " > " + dom.string() + " 2> " + log.string();
  const int status = std::system(command.c_str());
  const std::string text = read(dom), messages = read(log);
  INFO(messages);
  REQUIRE(status == 0);
  CHECK(messages.find("CONSOLE") == std::string::npos);  // the browser's word for errors and warnings of a page
  const auto first = text.find("FOUND{"), last = text.rfind("}END");
  REQUIRE(first != std::string::npos);
  REQUIRE(last != std::string::npos);
  std::string found = text.substr(first + 5, last + 1 - first - 5);
  for (auto at = found.find("&amp;"); at != std::string::npos; at = found.find("&amp;")) found.replace(at, 5, "&");
  return Json::parse(found);
}

}  // namespace

namespace {

/// The page of quick runs of all four programs; empty where there is no data for one.
std::string page_of_quick_runs(const Folder& folder) {
  for (const std::string program : {"problem1_perceptron", "problem2_initialization", "problem3_lenet", "problem4_schedules"}) {
    const Outcome outcome = run(folder, program, "--quick");
    if (outcome.code == 3 && outcome.error.find("dataset-fashion-mnist") != std::string::npos) return "";
    INFO(program << ": " << outcome.error);
    REQUIRE(outcome.code == 0);
  }
  const Outcome outcome = run(folder, "report");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  return read(folder.results() / "report.html");
}

}  // namespace

TEST_CASE("The report of four quick runs shows every picture, and lacks nothing", "[examples][report]") {
  const Folder folder;
  const std::string page = page_of_quick_runs(folder);
  if (page.empty()) return skip("Fashion-MNIST is not on this machine");
  std::size_t pictures = 0;
  for (const std::string problem : {"problem1", "problem2", "problem3", "problem4"}) {
    INFO(problem);
    const Json result = support::result(folder, problem);
    pictures += result["figures"].size();
    for (const Json& figure : result["figures"]) CHECK(count(page, figure["title"].get<std::string>() + " (quick run)") >= 1);
  }
  CHECK(pictures >= 20);
  CHECK(count(page, "<figure") == pictures);
  CHECK(count(page, "<svg") == pictures);
  CHECK(count(page, "is a <b>quick run</b>") == 4);
  CHECK(count(page, "not part of this run") == 0);
  CHECK(count(page, "{{") == 0);
  for (const char* outside : {"src=\"http", "href=\"http", "url(http", "<script", "@import"}) CHECK(count(page, outside) == 0);
}

TEST_CASE("A browser shows the report's pictures, in light and dark and on a phone, and has nothing to complain about",
          "[examples][report]") {
  if (browser().empty()) return skip("no browser on this machine looks at the page");
  const Folder folder;
  const std::string page = page_of_quick_runs(folder);
  if (page.empty()) return skip("Fashion-MNIST is not on this machine");
  const std::size_t pictures = count(page, "<figure");
  for (const int width : {380, 1200}) {
    INFO(width);
    const Json found = look(folder, page, width);
    INFO(found.dump(1));
    CHECK(found["width"].get<int>() == width);
    CHECK(found["page_width"].get<int>() <= width);
    CHECK(found["figures"] == pictures);
    CHECK(found["hidden"].empty());
    CHECK(found["empty"].empty());
    CHECK(found["same_ids"].empty());
    CHECK(found["dead_links"].empty());
    CHECK(found["dead_uses"].empty());
  }
  const Json light = look(folder, page, 800), dark = look(folder, page, 800, "--blink-settings=preferredColorScheme=0");
  INFO(light.dump(1) << dark.dump(1));
  CHECK(light["page"] == "rgb(255, 255, 255)");
  CHECK(dark["page"] != light["page"]);
  CHECK(dark["ink"] != light["ink"]);
}

TEST_CASE("The report says what was not run, and what a folder lacks", "[examples][report]") {
  const Folder folder;
  Outcome outcome = run(folder, "report");
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("none of problem1.json to problem4.json is there") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.results() / "report.html"));

  REQUIRE(run(folder, "problem1_perceptron", "--quick --form corrected").code == 0);
  REQUIRE(run(folder, "report").code == 0);
  const std::string page = read(folder.results() / "report.html");
  CHECK(count(page, "Problem 2 was not run.") == 1);
  CHECK(count(page, "Problem 4 was not run.") == 1);
  CHECK(count(page, "Problem 1 was run in the corrected form alone.") == 1);
  CHECK(count(page, "not part of this run") > 0);

  fs::remove(folder.results() / "problem1_curves.svg");
  outcome = run(folder, "report");
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("problem1_curves.svg: cannot be read") != std::string::npos);

  std::ofstream{folder.results() / "problem1.json"} << "{\"quick\": true, ";
  outcome = run(folder, "report");
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("problem1.json") != std::string::npos);
}
