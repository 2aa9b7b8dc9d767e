// How near clients' mirrors are: Debian's mirrors, and one client in the middle of each country
// that has none of them. Shares are exact, so nothing is drawn. Prints a table, a row per
// continent; exits 1 where a goal is missed.
//
//   make t/bench/distance && t/bench/distance [KM]     # of MirrorDistanceScale
//
// Needs the Debian package python-apt-common: the mirrors and their countries.

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "rank/rank.h"

namespace mirror {
namespace {

constexpr const char* kMirrorList = "/usr/share/python-apt/templates/Debian.mirrors";
constexpr double kMuchFartherKm = 5000;
constexpr double kGoalTimesNearest = 1.35, kGoalMuchFarther = 0.005;

// Without coordinates, so each counts as in the middle of its country.
std::vector<Mirror> read_mirrors() {
  std::vector<Mirror> mirrors;
  std::ifstream file(kMirrorList);
  std::string country;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#LOC:")) country = line.substr(5);
    const auto code = CountryCode::parse(country);
    if (!line.starts_with("http") || !code) continue;
    Mirror mirror;
    mirror.id = static_cast<MirrorId>(mirrors.size() + 1);
    mirror.http_url = fmt::format("http://m{}.example/", mirror.id);
    mirror.enabled = true;
    mirror.country = *code;
    mirrors.push_back(mirror);
  }
  return mirrors;
}

// Those that have a place and a region.
std::vector<CountryCode> all_countries() {
  std::vector<CountryCode> countries;
  for (char first = 'A'; first <= 'Z'; ++first) {
    for (char second = 'A'; second <= 'Z'; ++second) {
      const auto code = CountryCode::parse(std::string{first, second});
      if (code && centroid_of(*code) && region_of(*code) != Region::unknown)
        countries.push_back(*code);
    }
  }
  return countries;
}

struct Continent {
  std::vector<double> nearest_km;                    // of each country's client
  std::vector<std::pair<double, double>> chosen_km;  // with the share that gets it
  std::vector<std::pair<double, double>> times_nearest;
  double much_farther = 0;  // sum of shares
};

void add_client(Continent& continent, const Ranking& ranking) {
  double nearest_km = 1e9, sum = 0;
  for (const Candidate& candidate : ranking.accepted) {
    nearest_km = std::min(nearest_km, candidate.distance_km);
    sum += candidate.effective_weight;
  }
  for (const Candidate& candidate : ranking.accepted) {
    const double share = candidate.effective_weight / sum;
    continent.chosen_km.emplace_back(candidate.distance_km, share);
    continent.times_nearest.emplace_back(candidate.distance_km / nearest_km, share);
    if (candidate.distance_km > nearest_km + kMuchFartherKm) continent.much_farther += share;
  }
  continent.nearest_km.push_back(nearest_km);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double median(std::vector<std::pair<double, double>> values) {
  std::sort(values.begin(), values.end());
  double half = 0, sum = 0;
  for (const auto& [km, share] : values) half += share / 2;
  for (const auto& [km, share] : values) {
    if ((sum += share) >= half) return km;
  }
  return 0;
}

void print(const std::string& name, const Continent& continent) {
  fmt::print("{:<9} {:>9} {:>10.0f} {:>9.0f} {:>13.2f} {:>13.2f} %\n", name,
             continent.nearest_km.size(), median(continent.nearest_km), median(continent.chosen_km),
             median(continent.times_nearest),
             100 * continent.much_farther / static_cast<double>(continent.nearest_km.size()));
}

bool meets_goals(const std::map<std::string, Continent>& continents) {
  const Continent& all = continents.at("all");
  const double clients = static_cast<double>(all.nearest_km.size());
  return all.much_farther <= kGoalMuchFarther * clients &&
         std::all_of(continents.begin(), continents.end(), [](const auto& named) {
           const Continent& continent = named.second;
           return median(continent.times_nearest) <= kGoalTimesNearest &&
                  median(continent.chosen_km) <= kGoalTimesNearest * median(continent.nearest_km);
         });
}

int run(const RankSettings& settings) {
  const MirrorTable table(1, read_mirrors());
  std::vector<MirrorId> ids;
  for (const Mirror& mirror : table.all()) ids.push_back(mirror.id);
  if (ids.empty()) {
    fmt::print(stderr, "no mirrors in {}: install python-apt-common\n", kMirrorList);
    return 2;
  }
  std::map<std::string, Continent> continents;
  for (const CountryCode country : all_countries()) {
    Client client;
    client.country = country;
    client.region = region_of(country);
    const auto is_own = [&](const Mirror& mirror) { return mirror.country == country; };
    if (std::any_of(table.all().begin(), table.all().end(), is_own)) continue;
    const Ranking ranking = rank(client, {}, ids, table, settings);
    add_client(continents[std::string(region_code(client.region))], ranking);
    add_client(continents["all"], ranking);
  }
  fmt::print(
      "{} mirrors, d0 {} km; medians\n\ncontinent countries nearest km chosen km "
      "times nearest 5,000 km more\n",
      ids.size(), settings.distance_scale_km);
  for (const auto& [name, continent] : continents) print(name, continent);
  return meets_goals(continents) ? 0 : 1;
}

}  // namespace
}  // namespace mirror

int main(int argc, char** argv) {
  mirror::RankSettings settings;
  if (argc > 1) settings.distance_scale_km = std::stod(argv[1]);
  return mirror::run(settings);
}
