// SPDX-License-Identifier: MIT
#include "../data/files.hpp"

#if __has_include(<curl/curl.h>) && __has_include(<openssl/evp.h>)
#include <tarn/download.hpp>

#include <cstdlib>
#include <iterator>
#include <optional>
#include <thread>

#include "../support/compare.hpp"
#include "server.hpp"

namespace fs = files::fs;
namespace download = tarn::download;
using files::quoted;
using files::TemporaryFolder;
using support::answer;
using support::error_of;
using support::Server;
using tarn::ArgumentError;
using tarn::Index;
using tarn::IoError;
using tarn::data::detail::read_all;

namespace {

std::string sum_of(const std::string& bytes) {
  download::Sha256 sum;
  sum.add(bytes.data(), bytes.size());
  return sum.finish();
}
download::RemoteFile published(const std::string& content) {
  return {"set.gz", static_cast<Index>(content.size()), sum_of(content)};
}

/// An environment variable with another value, or none, for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_{name} {
    if (const char* present = std::getenv(name)) before_ = present;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) {
    if (value)
      setenv(name_, value->c_str(), 1);
    else
      unsetenv(name_);
  }

  const char* name_;
  std::optional<std::string> before_;
};

const std::string content = files::gzip(files::idx({300, 28, 28}));

/// Fetches `content` from one URL that does not give it: the reason, after the words that name folder and URL. Nothing may be left.
std::string refusal(const std::string& url) {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const std::string text = error_of<IoError>([&] { download::fetch(published(content), {url}, folder / "set.gz", nullptr); });
  const std::string opening = "download: cannot fetch set.gz into " + quoted(folder.path()) + ":\n  " + url + ": ";
  INFO(text);
  REQUIRE(text.starts_with(opening));
  CHECK(fs::is_empty(folder.path()));
  return text.substr(opening.size());
}

}  // namespace

TEST_CASE("SHA-256 sums are those of the standard", "[download]") {
  CHECK(sum_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sum_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  download::Sha256 pieces;
  pieces.add("a", 1);
  pieces.add("bc", 2);
  CHECK(pieces.finish() == sum_of("abc"));
}

TEST_CASE("A published file is downloaded once and its progress told", "[download]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const Server server{{{"/set.gz", answer(content)}}};
  Index last = 0;
  int calls = 0;
  const auto watch = [&](const download::Progress& progress) {
    CHECK(progress.file == "set.gz");
    CHECK(progress.total == static_cast<Index>(content.size()));
    CHECK(progress.received > last);
    last = progress.received;
    ++calls;
  };
  const auto fetch = [&] { download::fetch(published(content), {server.url("/set.gz")}, folder / "set.gz", watch); };
  fetch();
  CHECK(read_all(folder / "set.gz") == content);
  CHECK(last == static_cast<Index>(content.size()));
  CHECK(calls >= 1);
  CHECK(server.requests() == 1);
  fetch();
  CHECK(server.requests() == 1);

  folder.write("set.gz", std::string(content.size(), 'x'));
  last = 0;
  fetch();
  CHECK(read_all(folder / "set.gz") == content);
  CHECK(server.requests() == 2);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}) == 1);
}

TEST_CASE("A download follows redirects and takes file URLs and the next mirror", "[download]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const Server server{{{"/set.gz", answer(content)},
                       {"/moved", "HTTP/1.1 302 Found\r\nLocation: /set.gz\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}}};
  download::fetch(published(content), {server.url("/moved")}, folder / "a", nullptr);
  CHECK(read_all(folder / "a") == content);
  download::fetch(published(content), {"file://" + (folder / "a").string()}, folder / "b", nullptr);
  CHECK(read_all(folder / "b") == content);
  download::fetch(published(content), {server.url("/none"), server.url("/set.gz")}, folder / "c", nullptr);
  CHECK(read_all(folder / "c") == content);
}

TEST_CASE("An answer that is not the published file is refused with its reason", "[download]") {
  const std::string page = "<!DOCTYPE html>\n<html><body>Moved</body></html>\n";
  std::string changed = content;
  changed[changed.size() / 2] ^= 1;
  const Server server{
      {{"/page", answer(page)},
       {"/long page", answer(page)},
       {"/changed", answer(changed)},
       {"/longer", answer(content + "x")},
       {"/cut", answer(content.substr(0, 1000), content.size())},
       {"/short", answer(content.substr(0, 1000))},
       {"/endless", answer("<html>" + content + content)},
       {"/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
       {"/local", "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
       {"/busy", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"},
       {"/garbage", "garbage"}}};
  const std::string size = std::to_string(content.size());
  CHECK(refusal(server.url("/none")).starts_with("HTTP status 404, after 0 bytes: "));
  CHECK(refusal(server.url("/busy")).starts_with("HTTP status 503, after 0 bytes: "));
  CHECK(refusal(server.url("/page")) == "HTTP status 200, found " + std::to_string(page.size()) +
                                            " bytes (\"<!DOCTYPE html>\", which looks like an HTML page), expected " + size);
  CHECK(refusal(server.url("/changed")) == "HTTP status 200, found SHA-256 " + sum_of(changed) + ", expected " + sum_of(content));
  CHECK(refusal(server.url("/longer")) == "HTTP status 200, found more than " + size + " bytes, expected " + size);
  CHECK(refusal(server.url("/endless")) ==
        "HTTP status 200, found more than " + size + " bytes (\"<html>\", which looks like an HTML page), expected " + size);
  CHECK(refusal(server.url("/cut")).starts_with("HTTP status 200, after 1000 bytes: "));
  CHECK(refusal(server.url("/short")) == "HTTP status 200, found 1000 bytes, expected " + size);
  CHECK(refusal(server.url("/loop")).starts_with("HTTP status 302, after 0 bytes: "));
  CHECK(refusal(server.url("/local")).starts_with("HTTP status 302, after 0 bytes: "));
  CHECK(refusal(server.url("/garbage")).starts_with("no HTTP status, after 0 bytes: "));
}

TEST_CASE("An address where nobody answers is refused with its reason", "[download]") {
  std::string gone;
  {
    const Server server{{}};
    gone = server.url("/set.gz");
  }
  CHECK(refusal(gone).starts_with("no HTTP status, after 0 bytes: "));
  CHECK(refusal("file:///nowhere/set.gz").starts_with("no HTTP status, after 0 bytes: "));
  CHECK(refusal("ftp://127.0.0.1/set.gz").starts_with("no HTTP status, after 0 bytes: "));
  CHECK(refusal("no address").starts_with("no HTTP status, after 0 bytes: "));
}

TEST_CASE("All mirrors are named when none gives the file", "[download]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const Server server{{{"/b", answer("short")}}};
  const std::string text = error_of<IoError>([&] {
    download::fetch(published(content), {server.url("/a"), server.url("/b")}, folder / "set.gz", nullptr);
  });
  CHECK(text.starts_with("download: cannot fetch set.gz into " + quoted(folder.path()) + ":\n  " + server.url("/a") +
                         ": HTTP status 404"));
  CHECK(text.ends_with("\n  " + server.url("/b") +
                       ": HTTP status 200, found 5 bytes (\"short\", which looks like text), expected " +
                       std::to_string(content.size())));
  CHECK(error_of<ArgumentError>([&] { download::fetch(published(content), {}, folder / "set.gz"); }) ==
        "download: no URL for set.gz, expected at least one");
}

TEST_CASE("An exception of the callback ends a download and leaves nothing", "[download]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const Server server{{{"/set.gz", answer(content)}}};
  CHECK_THROWS_AS(download::fetch(published(content), {server.url("/set.gz")}, folder / "set.gz",
                                  [](const download::Progress&) { throw std::domain_error("enough"); }),
                  std::domain_error);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("Several downloads of one file at once leave it whole", "[download][concurrency]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const Server server{{{"/set.gz", answer(content)}}};
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      try {
        download::fetch(published(content), {server.url("/set.gz")}, folder / "set.gz", nullptr);
        if (read_all(folder / "set.gz") != content) ++failures;
      } catch (...) {
        ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(std::distance(fs::directory_iterator{folder.path()}, fs::directory_iterator{}) == 1);
}

TEST_CASE("A set goes into the user's cache where its reader finds it", "[download]") {
  TemporaryFolder folder;
  const Variable direct{"no_proxy", "127.0.0.1"};
  const std::string images = files::gzip(files::idx({2, 28, 28})), labels = files::gzip(files::idx({2}));
  const Server server{{{"/mirror/images.gz", answer(images)}, {"/mirror/labels.gz", answer(labels)}}};
  const download::detail::RemoteSet set{.name = "Set",
                                        .subfolder = "set",
                                        .files = {{"images.gz", static_cast<Index>(images.size()), sum_of(images)},
                                                  {"labels.gz", static_cast<Index>(labels.size()), sum_of(labels)}},
                                        .mirrors = {server.url("/none"), server.url("/mirror")}};
  {
    const Variable cache{"XDG_CACHE_HOME", folder.path().string()};
    CHECK(download::detail::fetch_set(set, {.progress = nullptr}) == folder / "tarn" / "set");
    CHECK(tarn::data::read_idx_pair(folder / "tarn/set/images.gz", folder / "tarn/set/labels.gz").size() == 2);
  }
  {
    const Variable cache{"XDG_CACHE_HOME", "relative"}, home{"HOME", (folder / "home").string()};
    CHECK(download::detail::fetch_set(set, {.progress = nullptr}) == folder / "home" / ".cache" / "tarn" / "set");
  }
  CHECK(download::detail::fetch_set(set, {.folder = folder / "own", .mirrors = {server.url("/mirror/")}, .progress = nullptr}) ==
        folder / "own");
  CHECK(read_all(folder / "own" / "images.gz") == images);
  {
    const Variable cache{"XDG_CACHE_HOME", std::nullopt}, home{"HOME", std::nullopt};
    CHECK(error_of<IoError>([&] { download::detail::fetch_set(set, {}); }) ==
          "download: no cache folder for Set, since neither XDG_CACHE_HOME nor HOME is set; name one by the option folder");
  }
}

TEST_CASE("A cache that cannot be written is named", "[download]") {
  TemporaryFolder folder;
  const fs::path file = folder.write("file", "x");
  CHECK(error_of<IoError>([&] { download::mnist({.folder = file / "mnist"}); }) ==
        "download: folder " + quoted(file / "mnist") + ": cannot be made (Not a directory)");
  CHECK(error_of<IoError>([&] { download::fetch(published("x"), {"file:///nowhere"}, file / "set.gz"); }) ==
        "file " + quoted(file / "set.gz") + ": cannot be written (Not a directory)");
}

TEST_CASE("The named sets are those that their readers know", "[download]") {
  TemporaryFolder folder;
  for (const auto& [remote, named] :
       {std::pair{download::detail::mnist_files(), tarn::data::detail::mnist_set},
        std::pair{download::detail::fashion_mnist_files(), tarn::data::detail::fashion_mnist_set}}) {
    CHECK(std::string{remote.subfolder} == named.subfolder);
    REQUIRE(remote.files.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(remote.files[i].name == std::string{named.files[i].name} + ".gz");
      CHECK(remote.files[i].sha256.size() == 64);
    }
    CHECK(remote.mirrors.size() == 2);
  }
#ifdef TARN_EXAMPLES_DATA
  // Three of the four files of MNIST that the source carries are the published ones; the training images are compressed anew.
  const fs::path carried = fs::path{TARN_EXAMPLES_DATA} / "mnist";
  for (const char* name : {"train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"})
    fs::copy_file(carried / name, folder / name);
  for (const auto& file : download::detail::mnist_files().files)
    CHECK(download::detail::is_there(folder / file.name, file) == (file.name != "train-images-idx3-ubyte.gz"));
  const std::string text = error_of<IoError>(
      [&] { download::mnist({.folder = folder.path(), .mirrors = {"file://" + carried.string()}, .progress = nullptr}); });
  CHECK(text == "download: cannot fetch train-images-idx3-ubyte.gz into " + quoted(folder.path()) + ":\n  file://" +
                    carried.string() + "/train-images-idx3-ubyte.gz: no HTTP status, found 9719438 bytes, expected 9912422");
#endif
}

#endif
