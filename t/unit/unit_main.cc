// Runs every registered test, or those under one name (`unit_tests mirror::RankTest::...`), with
// failures as a compiler prints errors.
#include <cppunit/CompilerOutputter.h>
#include <cppunit/extensions/TestFactoryRegistry.h>
#include <cppunit/ui/text/TestRunner.h>

#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
  CppUnit::TextUi::TestRunner runner;
  runner.addTest(CppUnit::TestFactoryRegistry::getRegistry().makeTest());
  runner.setOutputter(CppUnit::CompilerOutputter::defaultOutputter(&runner.result(), std::cerr));
  return runner.run(argc > 1 ? argv[1] : "", false, true, false) ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "unit_tests: " << error.what() << '\n';
  return 2;
}
