// What an exception says to people: one line and a family, whoever threw it.
#pragma once

#include "engine/contract/error.h"

#include <string>

namespace fluxscope {

struct Failure {
    ErrorFamily family = ErrorFamily::Fault;
    std::string message;
};

// Of the exception being handled: call it in a catch block.
Failure currentFailure();

}  // namespace fluxscope
