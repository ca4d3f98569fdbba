// The client against a real worker, and against programs that are none.
#include "app/desktop/worker_client.h"

#include "tests/desktop/world.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <QFile>
#include <QSignalSpy>

namespace fluxscope {
namespace {

using testing::eventually;
using testing::tinyModel;
using testing::world;

protocol::RunRequest someRun(const QString& capture, std::int32_t maxNew) {
    protocol::RunRequest request;
    RunRequest& run = request.wanted;
    run.prompts = {Prompt{.id = "a",
                          .kind = "prose",
                          .split = {},
                          .content = std::string("Once upon a time"),
                          .answer = {},
                          .scorer = {}}};
    run.policy = FullPolicy{};
    run.maxNew = maxNew;
    request.capture = (world() + '/' + capture).toStdString();
    return request;
}

// Speaks the protocol as far as "ready" and the load; a run it begins and then hears nothing more.
QString deafWorker(const QString& afterRun) {
    const QString file = world() + "/deaf.sh";
    QFile script(file);
    EXPECT_TRUE(script.open(QIODevice::WriteOnly));
    script.write(QStringLiteral(R"(#!/bin/sh
echo '{"v":1,"re":0,"event":"ready","program":"deaf","pid":1}'
read line
id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
echo '{"v":1,"re":'"$id"',"event":"done","sparse":"","device":"cpu","dtype":"fp32","bytes":1,"seconds":0.5,"model":{"name":"m","path":"m","architecture":"a","hash":"h","layers":1,"heads":1,"kv_heads":1,"head_dim":1,"hidden":1,"vocabulary":1,"parameters":1,"router_parameters":0,"pool_size":0,"untrained":true}}'
read line
%1
while true; do sleep 0.1; done
)")
                     .arg(afterRun)
                     .toUtf8());
    script.setPermissions(QFile::ReadOwner | QFile::ExeOwner | QFile::WriteOwner);
    return file;
}

TEST(WorkerClient, loadsRunsAndLoadsAgain) {
    WorkerClient client(FLUXSCOPE_PROGRAM, {"--serve"});
    QSignalSpy ended(&client, &WorkerClient::runEnded);
    client.load(tinyModel());
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    EXPECT_EQ(client.model()->model.layers, 8);
    client.run(someRun("client.fluxdb", 3));
    EXPECT_EQ(client.state(), WorkerPhase::Running);
    ASSERT_TRUE(eventually([&] { return ended.count() == 1; }));
    EXPECT_TRUE(QFile::exists(world() + "/client.fluxdb"));

    QSignalSpy failed(&client, &WorkerClient::failed);
    client.load(world() + "/no-such-model");
    ASSERT_TRUE(eventually([&] { return failed.count() == 1; }));
    EXPECT_EQ(client.state(), WorkerPhase::Empty);
    client.load(tinyModel());
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
}

TEST(WorkerClient, answersTheNewestForecastAndARunMayOvertakeIt) {
    WorkerClient client(FLUXSCOPE_PROGRAM, {"--serve"});
    QSignalSpy ended(&client, &WorkerClient::runEnded);
    QSignalSpy failed(&client, &WorkerClient::forecastFailed);
    std::vector<std::int64_t> bytes;
    QObject::connect(&client, &WorkerClient::forecasted,
                     [&](const Forecast& forecast) { bytes.push_back(forecast.kvAllFull); });
    client.load(tinyModel());
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    const protocol::ForecastRequest shorter{someRun("none", 100).wanted};
    const protocol::ForecastRequest longer{someRun("none", 1000).wanted};
    client.forecast(shorter);
    ASSERT_TRUE(eventually([&] { return bytes.size() == 1; }));
    client.forecast(shorter);
    client.forecast(longer);
    client.run(someRun("overtaking.fluxdb", 2));
    EXPECT_EQ(client.state(), WorkerPhase::Running);
    ASSERT_TRUE(eventually([&] { return ended.count() == 1; }));
    ASSERT_EQ(bytes.size(), 2U) << "of the two asked for at once, the newer";
    EXPECT_EQ(bytes[1] - bytes[0], 900 * 8 * 2 * 2 * 32 * 4);
    EXPECT_FALSE(client.forecasting());

    protocol::ForecastRequest wrong = shorter;
    wrong.wanted.policy = MaskPolicy{{Attention::Full}};
    client.forecast(wrong);
    ASSERT_TRUE(eventually([&] { return failed.count() == 1; }));
    EXPECT_EQ(client.state(), WorkerPhase::Ready);
}

TEST(WorkerClient, aRunThatObeysIsCancelledAndTheWorkerStays) {
    WorkerClient client(FLUXSCOPE_PROGRAM, {"--serve"});
    QSignalSpy failed(&client, &WorkerClient::failed);
    QSignalSpy text(&client, &WorkerClient::textCame);
    client.load(tinyModel());
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    const qint64 process = client.processId();
    client.run(someRun("cancelled.fluxdb", 4000));
    ASSERT_TRUE(eventually([&] { return text.count() > 0; }));
    client.cancel();
    EXPECT_EQ(client.state(), WorkerPhase::Cancelling);
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    EXPECT_EQ(failed.count(), 1);
    EXPECT_EQ(client.processId(), process);
}

TEST(WorkerClient, aWorkerThatDoesNotObeyIsKilledAfterASecondAndReplaced) {
    WorkerClient client(deafWorker(""), {});
    QSignalSpy failed(&client, &WorkerClient::failed);
    QSignalSpy lost(&client, &WorkerClient::lost);
    client.load("m");
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    const qint64 process = client.processId();
    client.run(someRun("x.fluxdb", 1));
    QElapsedTimer clock;
    clock.start();
    client.cancel();
    ASSERT_TRUE(eventually([&] { return failed.count() == 1; }));
    EXPECT_GE(clock.elapsed(), 900);
    EXPECT_LT(clock.elapsed(), 3000);
    ASSERT_TRUE(eventually(
        [&] { return client.state() == WorkerPhase::Loading || client.state() == WorkerPhase::Ready; }));
    EXPECT_NE(client.processId(), process);
    EXPECT_EQ(lost.count(), 0);  // it was our doing
}

TEST(WorkerClient, aWorkerThatSaysThatItIsWornOutIsReplacedWhenItsRunHasEnded) {
    for (const char* end : {R"("event":"done","run":1)",
                            R"("event":"failed","family":"cancelled","message":"run: was cancelled")"}) {
        WorkerClient client(
            deafWorker(QStringLiteral(
                           R"(echo '{"v":1,"re":2,"event":"restart","why":"it has traced 20000000 kernels"}'
echo '{"v":1,"re":2,%1}')")
                           .arg(end)),
            {});
        QSignalSpy logged(&client, &WorkerClient::logged);
        QSignalSpy lost(&client, &WorkerClient::lost);
        client.load("m");
        ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
        const qint64 process = client.processId();
        client.run(someRun("x.fluxdb", 1));
        ASSERT_TRUE(eventually(
            [&] { return client.state() == WorkerPhase::Ready && client.processId() != process; }));
        ASSERT_EQ(logged.count(), 1);
        EXPECT_EQ(logged.front().front().toString(),
                  "A new engine's process loads the model again: it has traced 20000000 kernels");
        EXPECT_EQ(lost.count(), 0);
    }
}

TEST(WorkerClient, aWorkerThatFinishesItsFileGetsFiveSecondsMore) {
    WorkerClient client(
        deafWorker(
            R"(echo '{"v":1,"re":2,"event":"progress","stage":"saving","done":0,"total":1,"unit":"files"}'
sleep 2
echo '{"v":1,"re":2,"event":"failed","family":"cancelled","message":"run: was cancelled"}')"),
        {});
    QSignalSpy progressed(&client, &WorkerClient::progressed);
    client.load("m");
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    const qint64 process = client.processId();
    client.run(someRun("x.fluxdb", 1));
    ASSERT_TRUE(eventually([&] { return progressed.count() == 1; }));
    client.cancel();
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    EXPECT_EQ(client.processId(), process);
}

TEST(WorkerClient, aKilledWorkerIsLostAndCanBeRestarted) {
    WorkerClient client(FLUXSCOPE_PROGRAM, {"--serve"});
    QSignalSpy lost(&client, &WorkerClient::lost);
    client.load(tinyModel());
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
    ::kill(static_cast<pid_t>(client.processId()), SIGKILL);
    ASSERT_TRUE(eventually([&] { return lost.count() == 1; }));
    EXPECT_EQ(client.state(), WorkerPhase::Lost);
    EXPECT_THAT(lost[0][0].toString().toStdString(),
                ::testing::HasSubstr("was killed or crashed (signal 9)"));
    client.restart();
    ASSERT_TRUE(eventually([&] { return client.state() == WorkerPhase::Ready; }));
}

TEST(WorkerClient, aProgramThatIsNoWorkerIsLostAndSaysWhy) {
    for (const auto& [program, arguments] : {std::pair<QString, QStringList>{"/no/such/program", {}},
                                             {"/bin/sh", {"-c", "echo nonsense; sleep 60"}},
                                             {"/bin/sh", {"-c", "echo the reason >&2; exit 4"}}}) {
        WorkerClient client(program, arguments);
        QSignalSpy lost(&client, &WorkerClient::lost);
        client.load("m");
        ASSERT_TRUE(eventually([&] { return lost.count() == 1; })) << program.toStdString();
        EXPECT_EQ(client.state(), WorkerPhase::Lost);
        if (arguments.size() == 2 && arguments[1].contains("reason")) {
            EXPECT_THAT(lost[0][0].toString().toStdString(),
                        ::testing::HasSubstr("exit code 4. It last said: the reason"));
        }
    }
}

}  // namespace
}  // namespace fluxscope
