/* Operations: what is asked with them, and what the service answers. */
#include "emulator/core.h"

namespace hcsrt::emulator {

namespace {

/* How long a kick-off waits for its call to complete first. A call that takes longer completes later in any case. */
constexpr std::chrono::milliseconds KICK_OFF_LIMIT{20};

}  // namespace

Target *Operation::created(const std::shared_ptr<Handle> &subject) const {
    if (type == HCSRT_TYPE_CREATE) return subject->target.get();
    return type == HCSRT_TYPE_CREATE_PROCESS ? info.get() : nullptr;
}

void expect_created(const char *function, const Inside &inside) {
    auto &handle = *inside.handle();
    /* Somebody else may have opened it before its creator has heard of it. */
    if (handle.raw != handle.target->maker) return;
    if (handle.target->creating)
        core->misuse(function, handle.raw,
                     "was used before the call that creates what it leads to had completed; wait for the operation "
                     "first");
    else if (handle.target->failed)
        core->misuse(function, handle.raw,
                     "is of a creation that has failed, and may lead to somebody else's compute system of that id; "
                     "only close it");
}

void Core::post(Item *item, const std::shared_ptr<void> &keeper) {
    if (stopped) return;
    item->keeper = keeper;
    queue.push(item);
    queued.notify_one();
}

void Core::ask(const std::shared_ptr<Question> &question) {
    uint64_t ticket = ++serial;
    questions[ticket] = question;
    question->item.request.ticket = ticket;
    post(&question->item, question);
}

void Core::answer(const std::shared_ptr<Question> &question) {
    question->answered = true;
    question->changed.notify_all();
    auto &operation = question->operation;
    if (!operation) return;
    operation->result = question->result;
    operation->document = std::move(question->document);
    operation->phase = Phase::Done;
    auto &subject = question->subject;
    if (Target *created = operation->created(subject)) {
        created->creating = false;
        created->failed = created->kind == Kind::System && hcsrt_failed(question->result) &&
                          question->result != HCSRT_E_SERVICE_DISCONNECT;
    }
    /* A call that is known to have failed before it returns may say so at once; its document is kept either way.
     * Whether its callback comes then is not documented. */
    bool fails = operation->order != Order::Later && hcsrt_failed(operation->result);
    operation->fails_at_kick_off = fails && variation.chance(Switch::failed_call);
    operation->is_silent = operation->fails_at_kick_off && variation.chance(Switch::callback_of_failed_kick_off);
    operation->changed.notify_all();
    if (operation->is_silent) return;
    if (subject && subject->options & HCSRT_OPTION_OPERATION_CALLBACKS) {
        question->event.operation = raw_of(operation);
        question->event.keeper = question;
        deliver_event(&question->event, subject, HCSRT_EVENT_OPERATION_CALLBACK);
    }
    /* Not documented: whether the callback of an operation still fires if that was closed meanwhile. */
    bool wanted = operation->callback && operation->order != Order::Inline;
    if (wanted && operation->closed) wanted = !variation.chance(Switch::callback_of_closed_operation);
    if (wanted) deliver_completion(operation);
}

void Core::deliver_completion(const std::shared_ptr<Operation> &operation) {
    if (operation->completion.queued) return;
    operation->completion.completion = operation;
    deliver(&operation->completion, raw_of(operation));
}

hcsrt_result Core::ask_and_wait(Lock &lock, Request request, std::shared_ptr<Question> *question) {
    if (is_gone() || this_thread().serving) return HCSRT_E_SERVICE_DISCONNECT;
    if (!ensure_service()) return HCSRT_E_OUTOFMEMORY;
    *question = std::make_shared<Question>();
    (*question)->item.request = std::move(request);
    uint64_t world = oldest;
    ask(*question);
    while (!(*question)->answered) (*question)->changed.wait(lock);
    if (world == oldest) return (*question)->result;
    /* What it brought is of a world that has ended meanwhile. */
    *question = nullptr;
    return HCSRT_E_SERVICE_DISCONNECT;
}

Order Core::pick_order() {
    Order order = static_cast<Order>(variation.choose(Switch::completion));
    /* A dispatcher that waited for a callback on its own thread would wait for ever. */
    return order == Order::BeforeReturn && this_thread().dispatching ? Order::Later : order;
}

hcsrt_result kick_off(Lock &lock, int32_t type, void *operation_raw, const std::shared_ptr<Handle> &subject,
                      Request request, const std::shared_ptr<Target> &info) {
    Inside inside(operation_raw, Kind::Operation, request.function);
    if (!inside) return inside.error();
    auto operation = inside.operation();
    if (operation->phase == Phase::Running) return HCSRT_E_OPERATION_ALREADY_STARTED;
    if (operation->callback && subject && subject->options & HCSRT_OPTION_OPERATION_CALLBACKS)
        return HCSRT_E_CALLBACK_ALREADY_SET;
    if (core->is_gone() || this_thread().serving) return HCSRT_E_SERVICE_DISCONNECT;
    if (!core->ensure_service()) return HCSRT_E_OUTOFMEMORY;

    auto question = std::make_shared<Question>();
    question->operation = operation;
    question->subject = subject;
    question->item.request = std::move(request);
    core->ask(question);

    operation->phase = Phase::Running;
    operation->type = type;
    operation->order = core->pick_order();
    operation->document = Text();
    operation->callback_done = false;
    operation->pid = 0;
    operation->info = info;
    if (Target *created = operation->created(subject)) created->creating = true;
    operation->system = subject && subject->kind == Kind::System ? subject->raw : nullptr;
    operation->process = subject && subject->kind == Kind::Process ? subject->raw : nullptr;

    /* From here on a callback may close the operation, which is allowed. */
    inside.leave();
    if (operation->order == Order::Later) return HCSRT_S_OK;
    auto limit = Clock::now() + KICK_OFF_LIMIT;
    operation->changed.wait_until(lock, limit, [&] { return operation->phase == Phase::Done; });
    if (operation->phase == Phase::Running) {
        operation->order = Order::Later;
        return HCSRT_S_OK;
    }
    /* Read before a callback may use the operation for another call. */
    hcsrt_result result = operation->fails_at_kick_off ? operation->result : HCSRT_S_OK;
    if (operation->is_silent) return result;
    if (operation->order == Order::Inline) core->complete_by_callback(lock, operation);
    else if (operation->callback) operation->changed.wait_until(lock, limit, [&] { return operation->callback_done; });
    return result;
}

}  // namespace hcsrt::emulator
