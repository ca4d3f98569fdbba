#include "app/start/failure.h"

#include <exception>
#include <new>

namespace fluxscope {

Failure currentFailure() {
    try {
        throw;
    } catch (const Error& error) {
        return {error.family(), error.what()};
    } catch (const std::bad_alloc&) {
        return {ErrorFamily::Machine,
                "this machine has not enough memory for that; use a shorter prompt or a smaller model"};
    } catch (const std::exception& error) {
        // LibTorch's messages are a sentence followed by a stack trace.
        const std::string text = error.what();
        return {ErrorFamily::Fault,
                "a fault of FluxScope: " + printable(text.substr(0, text.find('\n')), 300)};
    } catch (...) {
        return {ErrorFamily::Fault, "a fault of FluxScope: an exception of unknown type"};
    }
}

}  // namespace fluxscope
