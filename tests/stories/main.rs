//! Stories about people who chat: the real engine and the real server in one
//! process, over real connections, without a window.

mod bad_luck;
mod chatting;
mod headless;
mod secrets;
