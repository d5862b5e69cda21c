// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <tarn/error.hpp>

#include "measure.hpp"

namespace benchmark {

namespace {

double mib(const rusage& usage) { return static_cast<double>(usage.ru_maxrss) / 1024; }

pid_t fork_or_throw() {
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) throw tarn::StateError("fork: ", std::strerror(errno));
  return child;
}

int wait_for(pid_t child, rusage& usage) {
  int status = 0;
  while (::wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) throw tarn::StateError("wait4: ", std::strerror(errno));
  return status;
}

}  // namespace

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return mib(usage);
}

Process run_program(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const Stopwatch stopwatch;
  const pid_t child = fork_or_throw();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  rusage usage{};
  const int status = wait_for(child, usage);
  const Process process{stopwatch.seconds(), mib(usage)};
  if (!WIFEXITED(status)) throw tarn::StateError(command[0], ": ended by signal ", WTERMSIG(status));
  if (WEXITSTATUS(status) == 127) throw tarn::StateError(command[0], ": cannot be started; build or install it");
  if (WEXITSTATUS(status) != 0) throw tarn::StateError(command[0], ": ended with ", WEXITSTATUS(status), ", expected 0");
  return process;
}

int in_own_process(const std::function<int()>& body) {
  const pid_t child = fork_or_throw();
  if (child == 0) {
    const int code = body();
    std::cout.flush();
    ::_exit(code);
  }
  rusage usage{};
  const int status = wait_for(child, usage);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace benchmark
