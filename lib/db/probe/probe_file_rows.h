// How a ProbeFile is read. Internal to lib/db/probe.
#pragma once

#include <string>

#include "db/probe/probe_files.h"
#include "pg/connection.h"

namespace mirror::db {

// Of `file f`; read_probe_file() reads them.
extern const char* const kProbeColumns;
ProbeFile read_probe_file(const Result& rows, int row);

// Conditions on `file f`: any mirror can be asked for it, since the source has it now and its
// version is certain; the mirror $1 gets redirects for files of its size; and
// all of that, and the mirror has it.
extern const char* const kProbeServed;
extern const char* const kProbeSize;
std::string has_probe_file();

}  // namespace mirror::db
