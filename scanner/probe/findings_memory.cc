// What findings know of earlier runs, and keep for later ones.
#include <map>
#include <utility>

#include "db/probe/doubts.h"
#include "scanner/probe/findings.h"

namespace mirror::probe {

void Findings::read_doubts(db::Connection& connection) {
  for (auto& [id, mirror] : mirrors_)
    mirror.wrong_since_s = mirror.returning_since_s = std::nullopt;
  for (const db::MirrorDoubt& doubt : db::all_doubts(connection)) {
    Believed& mirror = mirrors_[doubt.mirror_id];
    mirror.name = doubt.mirror;
    if (doubt.kind == db::DoubtKind::wrong) mirror.wrong_since_s = doubt.since_s;
    if (doubt.kind == db::DoubtKind::returning) mirror.returning_since_s = doubt.since_s;
  }
}

FileRecord Findings::Believed::record_of(const db::RememberedFiles& files) {
  return {files.checked, files.wrong_bits, static_cast<int>(files.right_in_a_row)};
}

db::RememberedFiles Findings::Believed::remembered() const {
  return {record.checked(), record.wrong_bits(), record.right_in_a_row(), content_right,
          impossible_right};
}

void Findings::recall(db::Connection& connection) {
  stored_ = db::read_remembered_files(connection);
  for (const auto& [id, files] : stored_) {
    Believed& mirror = mirrors_[id];
    if (mirror.record.checked() > 0) continue;  // it knows more
    mirror.record = Believed::record_of(files);
    mirror.content_right = files.content_right;
    mirror.impossible_right = files.impossible_right;
  }
}

void Findings::remember(db::Connection& connection) {
  std::map<MirrorId, db::RememberedFiles> changed;
  for (const auto& [id, mirror] : mirrors_) {
    if (const db::RememberedFiles files = mirror.remembered(); stored_[id] != files)
      changed[id] = files;
  }
  const auto others = db::replace_remembered_files(connection, changed, stored_);
  for (const auto& [id, files] : changed) stored_[id] = files;
  for (const auto& [id, files] : others) take_over(id, files);
}

// Before something is judged by what is remembered.
void Findings::heed_others(db::Connection& connection) {
  for (const auto& [id, files] : db::read_remembered_files(connection))
    if (stored_[id] != files) take_over(id, files);
}

void Findings::take_over(MirrorId id, const db::RememberedFiles& files) {
  stored_[id] = files;
  Believed& mirror = mirrors_[id];
  Believed fresh;
  fresh.name = mirror.name;
  fresh.wrong_since_s = mirror.wrong_since_s;
  fresh.returning_since_s = mirror.returning_since_s;
  fresh.record = Believed::record_of(files);
  fresh.content_right = files.content_right;
  fresh.impossible_right = files.impossible_right;
  mirror = std::move(fresh);
}

}  // namespace mirror::probe
