#include "render/representation.h"

namespace mirror {

// For scripts: URLs, best first, one a line.
void render_mirror_list_text(std::string& out, const Subject& subject) {
  for (const Candidate& candidate : subject.mirrors())
    out.append(subject.listed_url(candidate)).append("\n");
  for (const std::string& last : subject.last_resorts) out.append(last).append("\n");
}

}  // namespace mirror
