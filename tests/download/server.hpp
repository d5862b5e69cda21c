// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace support {

/// A server of HTTP on 127.0.0.1, at a port that the system chooses: gives out fixed answers by path, 404 for any other one.
class Server {
 public:
  /// Whole answers, from "HTTP/1.1 ..." on, by path, as in "/file".
  explicit Server(std::map<std::string, std::string> answers) : answers_{std::move(answers)} {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no server on 127.0.0.1");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    shutdown(listener_, SHUT_RDWR);  // accept returns
    thread_.join();
    close(listener_);
  }

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int requests() const { return requests_; }

 private:
  void serve() {
    while (true) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      ++requests_;
      std::string request;
      char bytes[1024];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const auto got = recv(connection, bytes, sizeof bytes, 0);
        if (got <= 0) break;
        request.append(bytes, static_cast<std::size_t>(got));
      }
      const auto start = request.find(' ') + 1;
      const auto answer = answers_.find(request.substr(start, request.find(' ', start) - start));
      send_all(connection, answer != answers_.end()
                               ? answer->second
                               : "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nNot found");
      shutdown(connection, SHUT_WR);
      while (recv(connection, bytes, sizeof bytes, 0) > 0) {
      }
      close(connection);
    }
  }
  static void send_all(int connection, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto now = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return;
      sent += static_cast<std::size_t>(now);
    }
  }

  std::map<std::string, std::string> answers_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

/// An answer with status 200 and this body; `claimed` is the Content-Length that it claims.
inline std::string answer(const std::string& body, std::size_t claimed) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(claimed) + "\r\nConnection: close\r\n\r\n" + body;
}
inline std::string answer(const std::string& body) { return answer(body, body.size()); }

}  // namespace support
