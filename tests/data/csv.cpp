// SPDX-License-Identifier: MIT
#include <tarn/data/csv.hpp>

#include <clocale>
#include <random>

#include "../support/compare.hpp"
#include "files.hpp"

namespace fs = files::fs;
using files::quoted;
using files::TemporaryFolder;
using support::doubles;
using support::error_of;
using tarn::ArgumentError;
using tarn::Index;
using tarn::IoError;
using tarn::Shape;
using tarn::Tensor;
using tarn::data::CsvContent;
using tarn::data::CsvOptions;
using tarn::data::read_csv;

namespace {

using Names = std::vector<std::string>;

template <class T = float>
CsvContent parse(const std::string& text, const CsvOptions& options = {}) {
  TemporaryFolder folder;
  return read_csv<T>(folder.write("file.csv", text), options);
}
template <class T>
const Tensor<T>& stored(const tarn::Samples& samples) {
  return std::get<Tensor<T>>(samples.values());
}

/// What the reader says of this text, with FILE for the name in quotes.
template <class Error = IoError>
std::string refusal(const std::string& text, const CsvOptions& options = {}) {
  TemporaryFolder folder;
  const fs::path path = folder.write("file.csv", text);
  std::string words = error_of<Error>([&] { read_csv(path, options); });
  if (const auto at = words.find(quoted(path)); at != std::string::npos) words.replace(at, quoted(path).size(), "FILE");
  return words;
}

}  // namespace

TEST_CASE("A table of numbers with a header becomes inputs and the last column as target", "[data][csv]") {
  const CsvContent content = parse("length,width,price\n1,2.5,10\n-3e2,+4,0.125\n");
  CHECK(content.data.inputs.shape() == Shape{2, 2});
  CHECK(doubles(stored<float>(content.data.inputs)) == std::vector<double>{1, 2.5, -300, 4});
  CHECK(content.data.targets.shape() == Shape{2, 1});
  CHECK(doubles(stored<float>(content.data.targets)) == std::vector<double>{10, 0.125});
  CHECK(content.input_names == Names{"length", "width"});
  CHECK(content.target_names == Names{"price"});
  CHECK(content.class_names.empty());
}

TEST_CASE("Numbers are read to the last bit of their type", "[data][csv]") {
  const CsvContent narrow = parse("0.1,16777217,3.4028235e38\n", {.header = false});
  CHECK(stored<float>(narrow.data.inputs)[0] == 0.1F);
  CHECK(stored<float>(narrow.data.inputs)[1] == 16777216.0F);
  const CsvContent wide = parse<double>("0.1,16777217,1e300\n", {.header = false});
  CHECK(stored<double>(wide.data.inputs)[0] == 0.1);
  CHECK(stored<double>(wide.data.inputs)[1] == 16777217.0);
  CHECK(stored<double>(wide.data.targets)[0] == 1e300);
  CHECK(wide.input_names.empty());
}

TEST_CASE("Columns are chosen by name and by position in the order asked for", "[data][csv]") {
  const std::string text = "a,b,c,d\n1,2,3,4\n5,6,7,8\n";
  const CsvContent named = parse(text, {.inputs = {"d", "b"}, .targets = {"a", 2}});
  CHECK(doubles(stored<float>(named.data.inputs)) == std::vector<double>{4, 2, 8, 6});
  CHECK(doubles(stored<float>(named.data.targets)) == std::vector<double>{1, 3, 5, 7});
  CHECK(named.input_names == Names{"d", "b"});
  CHECK(named.target_names == Names{"a", "c"});
  const CsvContent rest = parse(text, {.targets = {std::string{"b"}}});
  CHECK(rest.input_names == Names{"a", "c", "d"});
  const CsvContent last = parse(text, {.inputs = {0}});
  CHECK(last.target_names == Names{"d"});
}

TEST_CASE("Labels become classes in order", "[data][csv]") {
  const CsvContent words = parse("x,kind\n1,setosa\n2,\"iris, red\"\n3,Virginica\n4,setosa\n", {.classes = true});
  CHECK(words.class_names == Names{"Virginica", "iris, red", "setosa"});
  CHECK(words.data.targets.is_integer());
  CHECK(words.data.targets.shape() == Shape{4});
  CHECK(doubles(stored<std::int32_t>(words.data.targets)) == std::vector<double>{2, 1, 0, 2});
  const CsvContent numbers = parse("10,x\n9,y\n-1,z\n10,w\n", {.header = false, .inputs = {}, .targets = {1}, .classes = true});
  CHECK(numbers.class_names == Names{"w", "x", "y", "z"});
  const CsvContent whole = parse("1,10\n2,9\n3,-1\n4,10\n", {.header = false, .classes = true});
  CHECK(whole.class_names == Names{"-1", "9", "10"});
  CHECK(doubles(stored<std::int32_t>(whole.data.targets)) == std::vector<double>{2, 1, 0, 2});
  const CsvContent given = parse("1,b\n2,a\n", {.header = false, .classes = true, .class_names = {"c", "b", "a"}});
  CHECK(given.class_names == Names{"c", "b", "a"});
  CHECK(doubles(stored<std::int32_t>(given.data.targets)) == std::vector<double>{1, 2});
}

TEST_CASE("Fields in quotes and every line end of the standard are read", "[data][csv]") {
  const CsvContent content =
      parse("\xef\xbb\xbf\"a \"\"b\"\"\";\"c;\r\nd\";e\r\n\"1\"; 2\t;\"x\"\r\n3;4;\"two\nlines; \"\"\"\n5;6; kept blanks ",
            {.delimiter = ';', .classes = true});
  CHECK(content.input_names == Names{"a \"b\"", "c;\r\nd"});
  CHECK(doubles(stored<float>(content.data.inputs)) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(content.class_names == Names{" kept blanks ", "two\nlines; \"", "x"});
}

TEST_CASE("Text is read alike in every locale", "[data][csv]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8", "C"})
    if (std::setlocale(LC_ALL, name)) CHECK(doubles(stored<float>(parse("1.5,2\n", {.header = false}).data.inputs))[0] == 1.5);
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("Empty lines may stand at the end alone", "[data][csv]") {
  CHECK(parse("a,b\n1,2").data.size() == 1);
  CHECK(parse("a,b\r\n1,2\r\n\r\n\n").data.size() == 1);
  CHECK(refusal("a,b\n1,2\n\n3,4\n") == "CSV file FILE, line 3: found 1 field, expected 2");
}

TEST_CASE("A file that is no table is refused", "[data][csv]") {
  CHECK(refusal("") == "CSV file FILE: found no text, expected rows");
  CHECK(refusal("\n\n") == "CSV file FILE: found no text, expected rows");
  CHECK(refusal("\xef\xbb\xbf") == "CSV file FILE: found no text, expected rows");
  CHECK(refusal("a,b\n") == "CSV file FILE: found no rows, expected at least one");
  CHECK(refusal(files::gzip("a,b\n1,2\n")) == "CSV file FILE, line 1: found gzip, expected text; unpack it first");
  CHECK(refusal(std::string{"a\0,\0", 4}) == "CSV file FILE, byte 1: found a zero byte, expected text");
  CHECK(refusal("\n <!DOCTYPE html>\n<html>") ==
        "CSV file FILE, line 1: found \"<!doctype\", which looks like an HTML page, expected rows; fetch the file again");
  TemporaryFolder folder;
  CHECK(error_of<IoError>([&] { read_csv(folder / "none"); }) == "file " + quoted(folder / "none") + ": not found");
}

TEST_CASE("A field that is no number is named by line and column", "[data][csv]") {
  CHECK(refusal("a,b\n1,2\n,3\n") == "CSV file FILE, line 3, column 0 (\"a\"): found no value, expected a number");
  CHECK(refusal("a,b\n1,2\n3,  \n") == "CSV file FILE, line 3, column 1 (\"b\"): found no value, expected a number");
  CHECK(refusal("1,2\n1,NA\n", {.header = false}) == "CSV file FILE, line 2, column 1: found \"NA\", expected a finite number");
  for (const std::string bad : {"nan", "inf", "-inf", "1.5.2", "0x10", "1 2", "+-4", "++4", "+", "-", "e5", "1;5"})
    CHECK(refusal("a,b\n1," + bad + "\n") ==
          "CSV file FILE, line 2, column 1 (\"b\"): found \"" + bad + "\", expected a finite number");
  CHECK(refusal("a,b\n1,1e39\n") == "CSV file FILE, line 2, column 1 (\"b\"): found \"1e39\", expected a number that fits");
  CHECK(refusal("a,b\n1,\"1,5\"\n") == "CSV file FILE, line 2, column 1 (\"b\"): found \"1,5\", expected a finite number");
  CHECK(refusal("a,b\n\"\n\n\",1\n\"x\",1\n") ==
        "CSV file FILE, line 2, column 0 (\"a\"): found \"\n\n\", expected a finite number");
  CHECK(refusal("a,\"b\nc\"\n1,2\n1,x\n") == "CSV file FILE, line 4, column 1 (\"b\nc\"): found \"x\", expected a finite number");
  CHECK(refusal("a,b\n1,x\n", {.classes = true, .class_names = {"y", "z"}}) ==
        "CSV file FILE, line 2, column 1 (\"b\"): found label \"x\", expected y, z");
  CHECK(refusal("a,b\n1,\n", {.classes = true}) == "CSV file FILE, line 2, column 1 (\"b\"): found no value, expected a label");
}

TEST_CASE("Rows and quotes that do not fit are named by line", "[data][csv]") {
  CHECK(refusal("a,b\n1,2,3\n") == "CSV file FILE, line 2: found 3 fields, expected 2");
  CHECK(refusal("a,b\n1\n") == "CSV file FILE, line 2: found 1 field, expected 2");
  CHECK(refusal("a,b\n1,2,\n") == "CSV file FILE, line 2: found 3 fields, expected 2");
  CHECK(refusal("a,b\n1,\"2\n3") == "CSV file FILE, line 2: found a quote that is not closed");
  CHECK(refusal("a,b\n1,2\"\n") ==
        "CSV file FILE, line 2: found a quote within a field, expected the whole field in quotes and this one doubled");
  CHECK(refusal("a,b\n1,\"2\"3\n") ==
        "CSV file FILE, line 2: found text after a closing quote, expected the delimiter or the end of the line");
  CHECK(refusal("a,b\n1,2\r3,4\n") == "CSV file FILE, line 2: found a carriage return, expected a line feed after it");
}

TEST_CASE("Columns that are not there or come twice are refused", "[data][csv]") {
  const std::string text = "a,b,a\n1,2,3\n";
  const auto refused = [&](const CsvOptions& options) { return refusal<ArgumentError>(text, options); };
  CHECK(refused({.targets = {"d"}}) == "read_csv: column \"d\" of FILE comes 0 times, expected once in the header (a, b, a)");
  CHECK(refused({.targets = {"a"}}) == "read_csv: column \"a\" of FILE comes 2 times, expected once in the header (a, b, a)");
  CHECK(refused({.header = false, .targets = {"a"}}) ==
        "read_csv: column \"a\" of FILE comes 0 times, expected once in the header (there is none)");
  CHECK(refused({.inputs = {3}}) == "read_csv: column 3 of FILE, expected 0 to 2");
  CHECK(refused({.inputs = {-1}}) == "read_csv: column -1 of FILE, expected 0 to 2");
  CHECK(refused({.inputs = {"b", 1}}) == "read_csv: column 1 of FILE is asked for twice");
  CHECK(refused({.inputs = {2}}) == "read_csv: column 2 of FILE is asked for twice");
  CHECK(refused({.targets = {0, 1, 2}}) == "read_csv: no column of FILE is left for the inputs, expected at least one");
  CHECK(refused({.targets = {0, 1}, .classes = true}) == "read_csv: 2 target columns, expected one where the target is a label");
  CHECK(refused({.class_names = {"x"}}) == "read_csv: class names without the option classes");
  CHECK(refused({.classes = true, .class_names = {"x", "x"}}) == "read_csv: class name \"x\" comes twice");
  for (const char delimiter : {'"', '\n', '\r', '\0'})
    CHECK(refused({.delimiter = delimiter}) ==
          "read_csv: the delimiter is a quote, a line end or a zero byte, expected another character");
}

TEST_CASE("A number too small for its type is read as zero", "[data][csv]") {
  TemporaryFolder folder;
  std::ofstream{folder / "tiny.csv"} << "a,b,c\n1e-50,2,1\n-3e-400,1e-300,1\n";
  const tarn::Samples x = tarn::data::read_csv<float>(folder / "tiny.csv", {}).data.inputs;
  CHECK(x.at(0) == 0);
  CHECK(x.at(2) == 0);
  CHECK(x.at(3) == 0);
}

TEST_CASE("A table that is cut off or changed anywhere is refused or read", "[data][csv][fuzz]") {
  TemporaryFolder folder;
  const std::string sound = "\"a \"\"1\"\"\",b,c\r\n1,\"2\",x\r\n-4.5,5e1,\"y\r\nz\"\r\n";
  int refused = 0, read = 0;
  const auto look = [&](const std::string& bytes) {
    try {
      const CsvContent content = read_csv(folder.write("changed", bytes), {.classes = true});
      REQUIRE(content.data.size() >= 1);
      ++read;
    } catch (const IoError&) {
      ++refused;
    } catch (const ArgumentError&) {  // no column is left
      ++refused;
    }
  };
  look(sound);
  CHECK(read == 1);
  for (std::size_t length = 0; length < sound.size(); ++length) look(sound.substr(0, length));
  std::mt19937 random{1};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = sound;
    const char* likely = "\",\r\n019.x\\-";
    for (int change = 0; change < 1 + round % 3; ++change)
      bytes[random() % bytes.size()] = round % 2 ? likely[random() % 11] : static_cast<char>(random());
    look(bytes);
  }
  CHECK(refused > 500);
  CHECK(read > 200);
}
