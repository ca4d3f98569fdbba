// What resources/schema.sql promises beyond types and keys, a query each: it yields a line of text for each row that breaks it.
#pragma once

#include <span>
#include <string>

namespace fluxscope {

struct CheckRule {
    std::string table;
    std::string says;
    std::string sql;
    int since = 1;  // version of the schema
};

std::span<const CheckRule> checkRules();

}  // namespace fluxscope
