import Drivers
import Syscalls

/// What a run is to do: the effective value of every option that shapes the load.
package struct LoadPlan: Sendable {
    /// Whether echoed bytes are compared with what was sent.
    package enum Verification: String, CaseIterable, Sendable { case full, off }

    /// Where the echo service is.
    package var target: SocketAddress
    /// Connections held open together.
    package var connections = 50
    /// How long to measure; nil when only `requests` ends the run.
    package var duration: Duration? = .seconds(10)
    /// Measured requests after which the run ends; nil when only `duration` does.
    package var requests: Int?
    /// Bytes of a request, and so of its echo.
    package var size = 64
    /// Threads of the generator, each with a driver and a share of the connections.
    package var threads = 1
    /// Requests kept in flight on a connection.
    package var pipeline = 1
    /// The generator's own driver.
    package var driver = DriverKind.epoll
    /// Connections opened per second in all; nil for as fast as the limit on open attempts allows.
    package var connectRate: Double?
    /// How long an attempt to connect may take.
    package var connectTimeout = Duration.seconds(5)
    /// How long a request may take before it counts as timed out and its connection is closed.
    package var timeout = Duration.seconds(5)
    /// How long answers may take after the last request, before they count as unanswered.
    package var drain = Duration.seconds(1)
    /// How long to load the server before measuring.
    package var warmup = Duration.seconds(1)
    /// Whether every echoed byte is compared.
    package var verification = Verification.full
    /// What everything random derives from.
    package var seed: UInt64 = 1
    /// The server's process, when it runs on this machine: its CPU and memory are measured along.
    package var serverProcess: CInt?

    package init(target: SocketAddress) { self.target = target }
}
