// Runs the registered tests; with arguments, only those whose names contain one of them.
#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestFailure.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <iostream>
#include <string>

namespace {

void add_matching(CppUnit::TestRunner& runner, CppUnit::Test* test, int argc, char** argv) {
  for (int i = 0; i < test->getChildTestCount(); ++i)
    add_matching(runner, test->getChildTestAt(i), argc, argv);
  if (test->getChildTestCount() > 0) return;
  for (int i = 1; i < argc; ++i) {
    if (test->getName().find(argv[i]) != std::string::npos) runner.addTest(test);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CppUnit::TestResult events;
  CppUnit::TestResultCollector collector;
  CppUnit::BriefTestProgressListener progress;
  events.addListener(&collector);
  if (argc > 1) events.addListener(&progress);
  CppUnit::TestRunner runner;
  CppUnit::Test* const all = CppUnit::TestFactoryRegistry::getRegistry().makeTest();
  if (argc > 1)
    add_matching(runner, all, argc, argv);
  else
    runner.addTest(all);
  runner.run(events);
  CppUnit::CompilerOutputter(&collector, std::cerr).write();
  std::cerr.flush();
  // Tests are owned by `all`, which the runner owns only when it ran all of them: leave without
  // destructors.
  std::_Exit(collector.wasSuccessful() ? 0 : 1);
}
