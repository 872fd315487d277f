#include "io/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "io/folder_lock.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using test::slurp;
using test::spill;

/// Files of this process can grow no larger while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit now = old_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(NewFile, AppearsWhenItIsCommitted) {
  test::TemporaryFolder folder;
  const auto path = folder / "a.txt";
  NewFile file(path);
  file.write("one ");
  file.write("two");
  EXPECT_FALSE(fs::exists(path));
  ASSERT_EQ(folder.size(), 1);
  EXPECT_TRUE(NewFile::is_temporary(fs::directory_iterator(folder.path())->path()));
  file.commit();
  EXPECT_EQ(slurp(path), "one two");
  EXPECT_EQ(folder.size(), 1);
}

TEST(NewFile, LeavesNothingWithoutCommit) {
  test::TemporaryFolder folder;
  spill(folder / "a.txt", "old");
  {
    NewFile file(folder / "a.txt");
    file.write("new");
  }
  EXPECT_EQ(slurp(folder / "a.txt"), "old");
  EXPECT_EQ(folder.size(), 1);
}

TEST(NewFile, ReplacesWhatWasThere) {
  test::TemporaryFolder folder;
  spill(folder / "a.txt", "old and longer");
  write_file(folder / "a.txt", "new");
  EXPECT_EQ(slurp(folder / "a.txt"), "new");
  EXPECT_EQ(folder.size(), 1);
}

TEST(NewFile, KeepsEveryByte) {
  test::TemporaryFolder folder;
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += static_cast<char>(i % 256);
  write_file(folder / "a", all);
  EXPECT_EQ(slurp(folder / "a"), all);
  EXPECT_EQ(read_file(folder / "a"), all);
}

TEST(NewFile, FailsWhereItCannotBe) {
  test::TemporaryFolder folder;
  spill(folder / "plain", "x");
  for (const auto& path : {folder / "no/such/folder/a", folder / "plain" / "a", folder.path()}) {
    message_of(
        ErrorKind::cannot_create, [&] { NewFile file(path); }, path.string());
  }
  EXPECT_EQ(folder.size(), 1);
}

TEST(NewFile, OnAFullDiskKeepsTheOldOne) {
  test::TemporaryFolder folder;
  spill(folder / "a.txt", "old");
  // Small texts wait in a buffer until commit; large ones fail at once.
  for (const std::size_t size : {5'000UL, 5'000'000UL}) {
    const FileSizeLimit limit(4096);
    message_of(ErrorKind::io, [&] { write_file(folder / "a.txt", std::string(size, 'x')); });
    EXPECT_EQ(slurp(folder / "a.txt"), "old");
    EXPECT_EQ(folder.size(), 1);
  }
}

TEST(NewFile, WritesThroughAPipe) {
  test::TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = slurp(path); });
  write_file(path, "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(folder.size(), 1);
}

TEST(NewFile, LeavesADeviceADevice) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  message_of(ErrorKind::io, [] { write_file("/dev/full", "x"); });
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(NewFile, KnowsItsTemporaries) {
  EXPECT_TRUE(NewFile::is_temporary("some/.draws.csv.part-123"));
  for (const char* other : {"draws.csv", ".hidden", "draws.csv.part-1", "", ".part/a"}) {
    EXPECT_FALSE(NewFile::is_temporary(other)) << other;
  }
}

TEST(ReadFile, NamesWhatIsMissing) {
  test::TemporaryFolder folder;
  const auto message = message_of(ErrorKind::no_input, [&] { read_file(folder / "missing.txt"); });
  EXPECT_TRUE(test::contains(message, "missing.txt")) << message;
  message_of(
      ErrorKind::io, [&] { read_file(folder.path()); }, "a folder");
}

TEST(MakeFolder, MakesParentsAndMindsFiles) {
  test::TemporaryFolder folder;
  make_folder(folder / "a/b/c");
  make_folder(folder / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  spill(folder / "plain", "x");
  message_of(ErrorKind::cannot_create, [&] { make_folder(folder / "plain"); });
  message_of(ErrorKind::cannot_create, [&] { make_folder(folder / "plain/under"); });
}

TEST(FolderLock, KeepsOthersOutWhateverPathLeadsToTheFolderAndLeavesNothing) {
  const test::TemporaryFolder folder;
  const auto run = folder.path() / "run";
  fs::create_directory(run);
  fs::create_symlink(run, folder.path() / "link");
  using Kind = FolderLock::Kind;
  {
    const FolderLock first(run, Kind::sole, run);
    for (const auto kind : {Kind::sole, Kind::shared}) {
      EXPECT_NE(
          message_of(ErrorKind::cannot_create,
                     [&] { const FolderLock second(folder.path() / "link", kind, "as told"); })
              .find("at work in as told"),
          std::string::npos);
    }
  }
  {
    const FolderLock one(run, Kind::shared, run);
    const FolderLock other(run, Kind::shared, run);
    message_of(ErrorKind::cannot_create, [&] { const FolderLock third(run, Kind::sole, run); });
  }
  FolderLock kept(run, Kind::sole, run);
  { const FolderLock moved(std::move(kept)); }
  const FolderLock again(run, Kind::sole, run);
  EXPECT_TRUE(fs::is_empty(run));
  const FolderLock none(folder.path() / "nowhere", Kind::sole, "nowhere");
}

TEST(NewFile, StaysWhereItWasWhenTheWorkingFolderIsLeft) {
  const test::TemporaryFolder folder;
  const auto before = fs::current_path();
  fs::current_path(folder.path());
  {
    NewFile file("draws.csv");
    fs::current_path("/");
    file.write("1");
    file.commit();
  }
  fs::current_path(before);
  EXPECT_EQ(slurp(folder.path() / "draws.csv"), "1");
}

}  // namespace
}  // namespace riffle
