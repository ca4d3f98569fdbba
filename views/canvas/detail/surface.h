// What a back-end asks its canvas for, and tells it.
#pragma once

#include "profiler/figure/display_list.h"

#include <string>
#include <vector>

namespace fluxscope {

class FrameSource {
public:
    FrameSource() = default;
    FrameSource(const FrameSource&) = delete;
    FrameSource& operator=(const FrameSource&) = delete;
    virtual ~FrameSource() = default;

    virtual std::vector<const DisplayList*> lists() const = 0;  // bottom first
    virtual Color background() const = 0;
    virtual void painted() = 0;
    virtual void failed(const std::string& reason) = 0;  // this back-end cannot go on
};

}  // namespace fluxscope
