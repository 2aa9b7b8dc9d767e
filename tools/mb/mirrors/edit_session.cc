// mb edit NAME: a mirror's settings in an editor, as visudo edits its file. Nothing that was typed
// is lost, and nobody else's change is undone.
#include <fmt/format.h>

#include <cstdio>

#include "tools/mb/mirrors/edit.h"
#include "tools/mb/mirrors/edit_text.h"
#include "tools/mb/mirrors/editor.h"
#include "tools/mb/mirrors/record.h"
#include "tools/mb/mirrors/selection.h"
#include "tools/mb/output.h"

namespace mirror::mb {
namespace {

class EditSession {
 public:
  EditSession(Context& context, const db::MirrorRecord& record, bool dry_run)
      : context_(context),
        base_(record),
        dry_run_(dry_run),
        file_(record.mirror.identifier, edit_text(settings_json(record))) {}

  int run() {
    try {
      return edit_until_good();
    } catch (...) {
      if (!is_unchanged()) {
        file_.keep();
        complain(fmt::format("nothing is changed; your text is kept in {}", file_.path()));
      }
      throw;
    }
  }

 private:
  int edit_until_good() {
    for (;;) {
      file_.open_editor();
      try {
        const nlohmann::json wanted = parse_edit_text(file_.read());
        const Edited edited = what_changed(settings_json(base_), wanted);
        if (edited.empty()) {
          say(fmt::format("mirror '{}': nothing to change", base_.mirror.identifier));
          return kSuccess;
        }
        if (const auto after = apply(edited)) return tell(*after);
        take_over_other_change(wanted);
      } catch (const TextFault& fault) {
        complain(fmt::format("{}: {}", file_.path(), fault.what()));
      } catch (const db::ConnectionError&) {
        throw;
      } catch (const db::Error& error) {
        if (context_.database().broken()) throw;
        complain(error.what());
      }
      if (!edit_again()) return kFailure;
    }
  }

  // The mirror as it is then; nullopt: somebody else changed it meanwhile.
  std::optional<db::MirrorRecord> apply(const Edited& edited) {
    db::Connection& connection = context_.database();
    const MirrorId id = base_.mirror.id;
    Attempt attempt(connection, dry_run_);
    db::lock_mirror(connection, id);
    if (settings_json(present(id)) != settings_json(base_)) return std::nullopt;
    if (!edited.identifier.empty()) db::rename_mirror(connection, id, edited.identifier);
    std::vector<db::Change> columns = edited.columns;
    add_region(columns);
    if (!columns.empty()) db::update_mirror(connection, id, columns);
    for (const std::string& served : edited.no_longer_first)
      db::remove_mirror_prefix(connection, id, served);
    for (const std::string& served : edited.now_first)
      db::add_mirror_prefix(connection, id, served);
    db::MirrorRecord after = present(id);
    attempt.finish();
    return after;
  }

  db::MirrorRecord present(MirrorId id) {
    auto record = db::find_mirror(context_.database(), id);
    if (!record)
      throw Failure(fmt::format("mirror '{}' was deleted meanwhile", base_.mirror.identifier));
    return std::move(*record);
  }

  // The text gets what the other one changed, but for what was changed in it too.
  void take_over_other_change(const nlohmann::json& wanted) {
    db::MirrorRecord current = present(base_.mirror.id);
    const nlohmann::json was = settings_json(base_);
    nlohmann::json text = settings_json(current);
    for (const auto& [name, value] : wanted.items()) {
      if (value != was[name]) text[name] = value;
    }
    complain(fmt::format(
        "somebody else changed mirror '{}' meanwhile: {}; the text has it now, where you did not "
        "change the same",
        base_.mirror.identifier, differences(base_, current)));
    file_.write(edit_text(text));
    base_ = std::move(current);
  }

  // Asks what to do; the end of input gives up.
  bool edit_again() {
    for (;;) {
      std::fputs("(e)dit again, or (d)iscard it? ", stderr);
      const std::optional<std::string> answer = read_answer();
      if (!answer) throw Failure("no answer");
      if (*answer == "e" || *answer == "edit") return true;
      if (*answer != "d" && *answer != "discard") continue;
      say("nothing is changed");
      return false;
    }
  }

  int tell(const db::MirrorRecord& after) { return tell_change(context_, base_, after, dry_run_); }

  bool is_unchanged() const {
    try {
      return file_.read() == edit_text(settings_json(base_));
    } catch (const std::exception&) {
      return false;
    }
  }

  Context& context_;
  db::MirrorRecord base_;  // what the text is compared with
  const bool dry_run_;
  EditedFile file_;
};

}  // namespace

int edit_in_editor(Context& context, const std::string& name, bool dry_run) {
  if (!can_ask())
    throw UsageError(
        "edit: nothing to change: give at least one column, or a terminal for an editor; see `mb "
        "edit --help`");
  return EditSession(context, require_mirror(context, name, Naming::to_change), dry_run).run();
}

}  // namespace mirror::mb
