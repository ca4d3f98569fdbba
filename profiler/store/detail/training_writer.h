// The rows of a training: what it is, each step with its tasks and layers, its warnings, its end. Transactions are the caller's; all
// rows of a step are written by one call, so a reader sees a step whole or not at all.
#pragma once

#include "profiler/store/records.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace fluxscope {

class TrainingWriter {
public:
    explicit TrainingWriter(SQLite::Database& database);

    void begin(std::int64_t process, const TrainingBegan& training);

    // Of the training begun last.
    void add(const TrainingStepRecord& record);
    void add(const TrainingWarningRecord& record);
    void end(const TrainingEnded& training);

    std::size_t rows() const { return rows_; }  // since the beginning
    std::int64_t repeated() const { return repeated_; }

private:
    template <class... Values>
    bool insert(SQLite::Statement& statement, const Values&... values);
    void addTasks(const TrainingStep& step);
    void addLayers(const TrainingStep& step);

    SQLite::Database& database_;
    SQLite::Statement training_, task_, step_, taskStep_, layerStep_, warning_, end_;

    std::int64_t current_ = 0;  // 0: none has begun
    bool ofRouters_ = false;
    std::size_t tasks_ = 0;
    std::size_t layers_ = 0;
    std::size_t rows_ = 0;
    std::int64_t repeated_ = 0;
};

}  // namespace fluxscope
