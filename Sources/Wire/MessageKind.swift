/// What a frame carries; the number is its place on the wire and never changes its meaning.
///
/// 1 ... 15 travel between ranks on the data plane, 16 and up between the coordinator and a worker.
package enum MessageKind: UInt16, Sendable, Hashable, CaseIterable {
  /// One rank's part of a collective operation.
  case exchange = 1
  /// A frame that only opens or tests a connection between two ranks.
  case probe = 2

  /// Worker -> coordinator: who I am, what I was built from, what this CPU can do.
  case hello = 16
  /// Coordinator -> worker: accepted; the mesh, the address book, the settings.
  case configure = 17
  /// Coordinator -> worker: not accepted, with the reason.
  case refusal = 18
  /// Worker -> coordinator: how far loading has come.
  case loadProgress = 19
  /// Worker -> coordinator: the shard is in memory and the data plane is bound.
  case ready = 20
  /// Coordinator -> worker: where every rank listens.
  case addressBook = 21
  /// Coordinator -> worker: one step of decoding.
  case stepPlan = 22
  /// Worker -> coordinator: what a step produced.
  case stepResult = 23
  /// Worker -> coordinator: a tensor that a step was asked for.
  case stepPayload = 24
  /// Worker -> coordinator: still alive, and where in the step.
  case pulse = 25
  /// Either way: give this step up.
  case abort = 26
  /// Coordinator -> worker: a new epoch begins, with its members.
  case epochChange = 27
  /// Worker -> coordinator: the new epoch is in force here.
  case epochAcknowledged = 28
  /// Worker -> coordinator: a line of its log.
  case logLine = 29
  /// Coordinator -> worker: finish and exit.
  case shutdown = 30
  /// Worker -> coordinator: exiting on purpose, with the reason.
  case farewell = 31
  /// Either way: a request for measurements, and the answer to it.
  case inquiry = 32
  case answer = 33
  /// Worker -> coordinator: what it moved in a step, when the run records that.
  case stepTrace = 34
  /// Coordinator -> worker: final norm and head of rows that come with it.
  case headPlan = 35
  /// Coordinator -> worker: what the links between ranks are like from now on, as text.
  case linkConditions = 36
  /// Coordinator -> worker: tell what your link has seen; and the answer to it.
  case linkReport = 37
  /// Coordinator -> spare: take a rank's place.
  case promotion = 38
}
