internal import Glibc

/// Waiting that keeps the core awake and yet leaves it to everybody else.
///
/// A core that sleeps takes tens of microseconds to wake up, more in a virtual machine, and a message over ZeroMQ wakes
/// three threads on its way. Between two looks the core is offered to whoever can use it, such as ZeroMQ's own threads:
/// they run at once, where they would have to wait for a thread that merely spins.
enum WakefulWait {
  /// Between two looks: whoever else can use the core has it now.
  static func rest() { sched_yield() }
}
