// SPDX-License-Identifier: MIT
// measure <title> <file> <command>...: runs the command, prints and writes its wall time, its processor time and its
// largest process's memory, and returns its exit status.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: measure <title> <file> <command>...\n");
    return EXIT_FAILURE;
  }
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[3], argv + 3);
    std::perror(argv[3]);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    std::perror("measure");
    return EXIT_FAILURE;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);  // the largest of all descendants, in KiB

  const auto time = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  const double processor = time(usage.ru_utime) + time(usage.ru_stime);

  std::FILE* file = std::fopen(argv[2], "w");
  for (std::FILE* out : {stdout, file})
    if (out)
      std::fprintf(out, "%s: %.1f s (%.1f s of processor), %ld MiB\n", argv[1], seconds.count(), processor,
                   usage.ru_maxrss / 1024);
  if (file) std::fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
