// Whether this test runs under AddressSanitizer or ThreadSanitizer, which change what a test can ask for.
#pragma once

namespace fluxscope::testing {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace fluxscope::testing
