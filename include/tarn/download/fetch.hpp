// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <curl/curl.h>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <tarn/data/atomic_file.hpp>
#include <tarn/download/sha256.hpp>
#include <tarn/version.hpp>

namespace tarn::download {

/// How far a download has come.
struct Progress {
  std::string file;  ///< name, as in "train-images-idx3-ubyte.gz"
  Index received;    ///< bytes
  Index total;       ///< bytes
};
/// Called in the thread that downloads, now and then and at the end of each file; an exception that it throws ends the download.
using ProgressCallback = std::function<void(const Progress&)>;

/// One line on the standard error, renewed at each percent, if that is a terminal; else nothing.
inline void show_progress(const Progress& progress) {
#if __has_include(<unistd.h>)
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  static thread_local Index shown = -1;
  const Index percent = progress.total > 0 ? 100 * progress.received / progress.total : 0;
  if (!terminal || percent == shown) return;
  shown = percent;
  std::fprintf(stderr, "\r%s: %3d %% of %.1f MB%s", progress.file.c_str(), static_cast<int>(percent),
               static_cast<double>(progress.total) / 1e6, percent == 100 ? "\n" : "");
#else
  (void)progress;
#endif
}

/// A file as it is published: anything else is refused.
struct RemoteFile {
  std::string name;
  Index bytes;
  std::string sha256;  ///< 64 hexadecimal digits, lower case
};

namespace detail {

/// One transfer into a file. The body is measured and summed on its way, and stopped as soon as it is too long.
class Transfer {
 public:
  Transfer(const std::string& url, const RemoteFile& expected, const std::filesystem::path& path,
           const ProgressCallback& progress)
      : url_{url}, expected_{expected}, file_{path}, progress_{progress} {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, and never undone: others may use libcurl too
    if (ready == CURLE_OK) curl_.reset(curl_easy_init());
    if (!curl_) throw std::bad_alloc{};
  }

  /// Empty if the file is in its place; else the reason why not, and nothing is. Throws IoError where the file cannot be written,
  /// and what the callback throws.
  std::string run() {
    std::array<char, CURL_ERROR_SIZE> message{};
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl_.get(), option, value); };
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_ERRORBUFFER, message.data());
    set(CURLOPT_USERAGENT, user_agent().c_str());
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_FAILONERROR, 1L);  // from status 400 on
    set(CURLOPT_NOSIGNAL, 1L);     // signals are not for libraries
    set(CURLOPT_CONNECTTIMEOUT, 30L);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second, over
    set(CURLOPT_LOW_SPEED_TIME, 60L);  // seconds
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https,file");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FILE));
    set(CURLOPT_REDIR_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    set(CURLOPT_WRITEFUNCTION, &Transfer::receive);
    set(CURLOPT_WRITEDATA, this);
    const CURLcode result = curl_easy_perform(curl_.get());
    if (thrown_) std::rethrow_exception(thrown_);

    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    const std::string at_status = status > 0 ? tarn::detail::join({"HTTP status ", status}) : "no HTTP status";
    if (too_long_)
      return tarn::detail::join(
          {at_status, ", found more than ", expected_.bytes, " bytes", looks(), ", expected ", expected_.bytes});
    if (result != CURLE_OK) {
      const std::string reason = message[0] ? message.data() : curl_easy_strerror(result);
      return tarn::detail::join({at_status, ", after ", received_, " bytes: ", reason});
    }
    if (received_ != expected_.bytes)
      return tarn::detail::join({at_status, ", found ", received_, " bytes", looks(), ", expected ", expected_.bytes});
    const std::string sum = sum_.finish();
    if (sum != expected_.sha256)
      return tarn::detail::join({at_status, ", found SHA-256 ", sum, looks(), ", expected ", expected_.sha256});
    file_.commit();
    return "";
  }

 private:
  static std::string user_agent() { return tarn::detail::join({"tarn/", version}); }

  /// libcurl is written in C, so an exception is kept and thrown once it has returned.
  static std::size_t receive(char* bytes, std::size_t, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
      return transfer.take(bytes, count) ? count : 0;
    } catch (...) {
      transfer.thrown_ = std::current_exception();
      return 0;
    }
  }
  bool take(const char* bytes, std::size_t count) {
    if (opening_.size() < 24) opening_.append(bytes, std::min<std::size_t>(count, 24 - opening_.size()));
    too_long_ = static_cast<Index>(count) > expected_.bytes - received_;
    if (too_long_) return false;
    received_ += static_cast<Index>(count);
    sum_.add(bytes, count);
    file_.write(bytes, static_cast<Index>(count));
    if (progress_) progress_({expected_.name, received_, expected_.bytes});
    return true;
  }

  /// What the body is, if it is not data at all.
  std::string looks() const {
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    const auto end = std::find_if_not(opening_.begin(), opening_.end(), printable);
    if (end - opening_.begin() < 4) return "";
    const std::string text{opening_.begin(), end};
    return tarn::detail::join({" (\"", text, "\", which looks like ", text[0] == '<' ? "an HTML page" : "text", ")"});
  }

  struct Free {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  std::string url_;
  const RemoteFile& expected_;
  data::detail::AtomicFile file_;
  const ProgressCallback& progress_;
  std::unique_ptr<CURL, Free> curl_;
  Sha256 sum_;
  Index received_ = 0;
  std::string opening_;  // the body's first bytes
  bool too_long_ = false;
  std::exception_ptr thrown_;
};

/// Whether this very file is there already. Throws IoError where it is there and cannot be read.
inline bool is_there(const std::filesystem::path& path, const RemoteFile& expected) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  data::detail::InputFile file{path};
  if (file.size() != expected.bytes) return false;
  Sha256 sum;
  std::vector<char> bytes(1 << 16);
  while (const Index count = file.read(bytes.data(), static_cast<Index>(bytes.size())))
    sum.add(bytes.data(), static_cast<std::size_t>(count));
  return sum.finish() == expected.sha256;
}

}  // namespace detail

/// Downloads one file to `path`, from the first URL (http, https or file) that gives it, unless it is there already. The file appears
/// whole, with its published size and SHA-256 sum, or not at all; several processes may do so at once.
/// Throws ArgumentError without a URL, and IoError where the file cannot be written or no URL gives it: then with each URL, the HTTP status
/// and the reason.
inline void fetch(const RemoteFile& file, const std::vector<std::string>& urls, const std::filesystem::path& path,
                  const ProgressCallback& progress = show_progress) {
  if (urls.empty()) throw ArgumentError("download: no URL for ", file.name, ", expected at least one");
  if (detail::is_there(path, file)) return;
  std::string reasons;
  for (const std::string& url : urls) {
    const std::string reason = detail::Transfer{url, file, path, progress}.run();
    if (reason.empty()) return;
    reasons += "\n  " + url + ": " + reason;
  }
  throw IoError("download: cannot fetch ", file.name, " into ", data::detail::quoted(path.parent_path()), ":", reasons);
}

}  // namespace tarn::download
