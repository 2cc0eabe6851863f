#include "measure/results.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace chunkflow {

namespace {

/// Bytes of a file up to and with its last end of line.
off_t wholeLines(int file, off_t size) {
  char block[4096];
  for (off_t end = size; end > 0;) {
    const off_t from = end > static_cast<off_t>(sizeof block) ? end - static_cast<off_t>(sizeof block) : 0;
    const ssize_t got = pread(file, block, static_cast<std::size_t>(end - from), from);
    if (got <= 0) return size;
    for (ssize_t i = got; i > 0; --i) {
      if (block[i - 1] == '\n') return from + i;
    }
    end = from;
  }
  return 0;
}

}  // namespace

ResultsFile::ResultsFile(const std::string& path) : path_(path) {
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) {
    throw UserError("--out " + path + ": cannot be written (" + std::strerror(errno) +
                    "); choose a folder that exists and may be written to");
  }
  try {
    if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw UserError("--out " + path + ": another run is writing to it; choose another file");
    }
    struct stat status {};
    if (fstat(file_, &status) == 0 && S_ISREG(status.st_mode)) {
      const off_t whole = wholeLines(file_, status.st_size);
      if (whole < status.st_size && ftruncate(file_, whole) != 0) {
        throw UserError("--out " + path + ": its last line is cut off and could not be removed (" +
                        std::strerror(errno) + "); choose another file");
      }
    }
  } catch (...) {
    close(file_);
    throw;
  }
}

ResultsFile::~ResultsFile() { close(file_); }

void ResultsFile::append(const std::string& line) {
  const std::string text = line + '\n';
  struct stat before {};
  const bool regular = fstat(file_, &before) == 0 && S_ISREG(before.st_mode);
  ssize_t written = 0;
  do written = write(file_, text.data(), text.size());
  while (written < 0 && errno == EINTR);
  const bool whole = written == static_cast<ssize_t>(text.size());
  // Pipes and devices have no disk to wait for.
  if (whole && (!regular || fsync(file_) == 0)) return;
  const std::string why = written >= 0 && !whole ? "No space left on device" : std::strerror(errno);
  const bool back = !regular || ftruncate(file_, before.st_size) == 0;
  throw RunError("--out " + path_ + ": could not be written (" + why + "); " +
                 (back ? "the lines before are whole" : "its last line may be cut off"));
}

void Records::write(const std::string& json) {
  const std::lock_guard lock(mutex_);
  if (broken_) return;
  try {
    if (file_ != nullptr) {
      file_->append(json);
    } else if (sink_.line(sink_.user, json.c_str()) != 0) {
      throw RunError("a result could not be kept by the program that asked for it");
    }
    begun_ = true;
  } catch (const RunError&) {
    broken_ = true;
    throw;
  }
}

void Records::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  sink_.note(sink_.user, text.c_str());
}

}  // namespace chunkflow
