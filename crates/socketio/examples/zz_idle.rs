//! tmp
use parlour_socketio::server::*;
struct E;
impl Namespace for E {
    type State = ();
    async fn connect(&self, _: &Socket, _: ConnectRequest) -> Result<(), Refusal> { Ok(()) }
    async fn event(&self, s: &Socket, (): &mut (), e: IncomingEvent) {
        let _ = s.send(&Frame::event("/", None, "back", &e.args).unwrap());
    }
    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let r = Server::builder(ServerOptions::default()).namespace("/", E).start(bind("127.0.0.1:39555".parse().unwrap()).unwrap());
    std::future::pending::<()>().await; drop(r);
}
