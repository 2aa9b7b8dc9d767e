#include "os/open_beneath.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>

#include "scanner/local/local_list.h"
#include "t/folder.h"

namespace mirror {
namespace {

// From here on this process has a kernel without openat2.
bool forget_openat2() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What `check` says in a process that has openat2, or has not.
bool holds(bool with_openat2, const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) {
    if (!with_openat2 && !forget_openat2()) _exit(2);
    try {
      _exit(check() ? 0 : 1);
    } catch (...) {
      _exit(3);
    }
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

class OpenBeneathTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(OpenBeneathTest);
  CPPUNIT_TEST(opensWhatIsThere);
  CPPUNIT_TEST(followsNoLinkOnTheWay);
  CPPUNIT_TEST(keepsAWalkInTheTreeWhileFoldersAreReplaced);
  CPPUNIT_TEST_SUITE_END();

  void in_both_ways(const std::function<bool()>& check) {
    CPPUNIT_ASSERT_MESSAGE("openat2", holds(true, check));
    CPPUNIT_ASSERT_MESSAGE("a step at a time", holds(false, check));
  }
  static bool fails(int root, const std::string& path, int flags) {
    return !open_beneath(root, path, flags) && (errno == ELOOP || errno == ENOTDIR);
  }
  void link(const std::string& target, const std::string& path) {
    CPPUNIT_ASSERT(symlink(target.c_str(), (folder_.path() + '/' + path).c_str()) == 0);
  }
  void directory(const std::string& path) {
    CPPUNIT_ASSERT(mkdir((folder_.path() + '/' + path).c_str(), 0755) == 0);
  }

  Folder folder_;

 public:
  void setUp() override {
    for (const char* path :
         {"tree", "tree/a", "tree/a/b", "tree/a/b/file", "out", "out/b", "out/b/secret"})
      directory(path);
  }

  void opensWhatIsThere() {
    in_both_ways([this] {
      const Descriptor root(open((folder_.path() + "/tree").c_str(), O_RDONLY | O_DIRECTORY));
      return open_beneath(root.get(), "a", O_RDONLY) &&
             open_beneath(root.get(), "a/b/file", O_RDONLY) &&
             !open_beneath(root.get(), "a/none/file", O_RDONLY) && errno == ENOENT;
    });
  }

  void followsNoLinkOnTheWay() {
    link("../out", "tree/up");
    link("a", "tree/sideways");
    in_both_ways([this] {
      const Descriptor root(open((folder_.path() + "/tree").c_str(), O_RDONLY | O_DIRECTORY));
      return fails(root.get(), "up/b", O_RDONLY) && fails(root.get(), "sideways/b", O_RDONLY) &&
             fails(root.get(), "up", O_RDONLY | O_DIRECTORY);
    });
  }

  void keepsAWalkInTheTreeWhileFoldersAreReplaced() {
    link(folder_.path() + "/out", "replacement");
    const std::string tree = folder_.path() + "/tree";
    in_both_ways([this, tree] {
      bool secret = false;
      const scanner::Control control;
      scanner::ListingCounts counts;
      const auto sink = [&](const scanner::TreeEntry& entry) {
        secret = secret || entry.path.ends_with("secret");
        if (entry.path != "a/b") return;  // listed, and opened next
        rename((tree + "/a").c_str(), (folder_.path() + "/moved").c_str());
        rename((folder_.path() + "/replacement").c_str(), (tree + "/a").c_str());
      };
      scanner::Listing listing(1000, "", sink, control, counts);
      scanner::list_local(tree, "", listing, control);
      rename((tree + "/a").c_str(), (folder_.path() + "/replacement").c_str());
      rename((folder_.path() + "/moved").c_str(), (tree + "/a").c_str());
      return !secret && counts.entries == 2;
    });
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(OpenBeneathTest);

}  // namespace mirror
