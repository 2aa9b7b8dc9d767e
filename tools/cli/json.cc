#include "tools/cli/json.h"

template class nlohmann::basic_json<>;
