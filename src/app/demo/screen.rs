//! The demo as a screen: what the CRM counted, what waits and why, and a key for each fault.
//! Not here: what a fault does (`stage`).

use crate::app::demo::count::Tally;
use crate::app::demo::plain::STORY;
use crate::app::demo::script::{self, Scene};
use crate::app::demo::stage::Stage;
use crate::cli::args;
use crate::model::Because;
use anyhow::Result;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Bar, BarChart, BarGroup, Block, Paragraph, Sparkline};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const FRAME_EVERY: Duration = Duration::from_millis(100);
/// Seconds of throughput shown.
const PAST: usize = 120;
/// Things that happened, shown.
const NEWS: usize = 6;

/// Plays until `q`, the end of the script, or the time is up. Leaves the terminal as it was.
pub(super) fn play(stage: &Arc<Stage>, args: &args::Demo) -> Result<()> {
    let mut terminal = ratatui::try_init()?;
    let played = watch(&mut terminal, stage, args);
    ratatui::restore();
    played
}

fn watch(terminal: &mut ratatui::DefaultTerminal, stage: &Arc<Stage>, args: &args::Demo) -> Result<()> {
    let length = args.seconds.map(|it| Duration::from_secs(u64::from(it)));
    let mut view = View::default();
    let mut story = if args.script { script::scenes(length.unwrap_or(STORY)) } else { Vec::new() };
    story.reverse();
    stage.start_stream(args.seed)?;
    loop {
        view.look(stage);
        terminal.draw(|frame| view.draw(frame, stage))?;
        if !args.script && length.is_some_and(|it| it <= stage.age()) {
            return Ok(());
        }
        while story.last().is_some_and(|it: &Scene| it.at <= stage.age()) {
            let Some(scene) = story.pop() else { break };
            view.tell(stage, scene.words);
            scene.play(stage)?;
            if scene.is_last() {
                return Ok(());
            }
        }
        let Some(code) = pressed()? else { continue };
        if code == KeyCode::Char('q') {
            return Ok(());
        }
        press(stage, &mut view, code)?;
    }
}

/// The key that was pressed within a frame's time; Ctrl-C counts as `q`.
fn pressed() -> Result<Option<KeyCode>> {
    if !event::poll(FRAME_EVERY)? {
        return Ok(None);
    }
    let Event::Key(key) = event::read()? else { return Ok(None) };
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(Some(if interrupt { KeyCode::Char('q') } else { key.code }))
}

fn press(stage: &Stage, view: &mut View, code: KeyCode) -> Result<()> {
    let switches = stage.switches();
    let KeyCode::Char(key) = code else { return Ok(()) };
    match key {
        'd' if stage.switch(&switches.down) => view.tell(stage, "HubSpot answers 503 to everybody"),
        'd' => view.tell(stage, "HubSpot is back"),
        'f' if stage.switch(&switches.flood) => view.tell(stage, "tenant-00 floods: 400 events a second more"),
        'f' => view.tell(stage, "the flood is over"),
        'l' if stage.switch(&switches.lost_answers) => {
            view.tell(stage, "HubSpot applies, but 30 % of its answers are lost");
        }
        'l' => view.tell(stage, "answers arrive again"),
        't' if stage.refuse_token() => {
            view.tell(stage, &format!("HubSpot refuses the token of {}: 401", stage.refused_tenant()));
        }
        't' => view.tell(stage, &format!("the token of {} works again", stage.refused_tenant())),
        'p' if stage.pause()? => view.tell(stage, &format!("{} is paused", stage.paused_tenant())),
        'p' => view.tell(stage, &format!("{} is resumed", stage.paused_tenant())),
        'c' => {
            view.tell(stage, "the engine was killed in mid-call and starts again");
            stage.crash()?;
            stage.restart()?;
        }
        _other => {}
    }
    Ok(())
}

/// What has been seen so far.
#[derive(Default)]
struct View {
    tally: Tally,
    second: u64,
    applied_before: u64,
    per_second: VecDeque<u64>,
    news: VecDeque<String>,
    first_applied: Option<Duration>,
}

impl View {
    fn look(&mut self, stage: &Stage) {
        self.tally = stage.tally();
        let second = stage.age().as_secs();
        if self.first_applied.is_none() && 0 < self.tally.applied {
            self.first_applied = Some(stage.age());
        }
        if self.second < second {
            self.second = second;
            self.per_second.push_back(self.tally.applied.saturating_sub(self.applied_before));
            self.applied_before = self.tally.applied;
            self.per_second.drain(..self.per_second.len().saturating_sub(PAST));
        }
    }

    fn tell(&mut self, stage: &Stage, words: &str) {
        self.news.push_back(format!("{:>5.1} s  {words}", stage.age().as_secs_f64()));
        self.news.drain(..self.news.len().saturating_sub(NEWS));
    }

    fn draw(&self, frame: &mut Frame<'_>, stage: &Stage) {
        let rows = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(10),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Min(4),
            Constraint::Length(1),
        ]);
        let [title, counts, rate, buckets, news, keys] = rows.areas(frame.area());
        let [crm, waiting] = Layout::horizontal([Constraint::Percentage(58), Constraint::Percentage(42)]).areas(counts);
        frame.render_widget(self.title(stage), title);
        self.draw_crm(frame, crm);
        self.draw_waiting(frame, waiting);
        self.draw_rate(frame, rate);
        draw_buckets(frame, buckets, stage);
        let [news, still] = Layout::horizontal([Constraint::Percentage(54), Constraint::Percentage(46)]).areas(news);
        let lines: Vec<Line<'_>> = self.news.iter().map(|it| Line::from(it.as_str())).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" What happened ")), news);
        draw_still(frame, still, stage);
        frame.render_widget(legend(stage), keys);
    }

    fn title(&self, stage: &Stage) -> Line<'_> {
        let first = self
            .first_applied
            .map_or_else(String::new, |it| format!("first event applied after {:.1} s", it.as_secs_f64()));
        Line::from(vec![
            Span::styled(" Sluicegate ", Style::new().add_modifier(Modifier::REVERSED)),
            Span::from(format!(
                "  pretend HubSpot, 100 calls per 10 s and account   {:.0} s   {first}",
                stage.age().as_secs_f64()
            )),
        ])
    }

    fn draw_crm(&self, frame: &mut Frame<'_>, area: Rect) {
        let tally = &self.tally;
        let lines = vec![
            row("events sent", tally.accepted, Color::Reset),
            row("applied", tally.applied, Color::Green),
            row("on the way", tally.on_the_way(), Color::Reset),
            row("dead letters", tally.dead, good_if_none(tally.dead)),
            row("duplicate records", tally.duplicate_records(), good_if_none(tally.duplicate_records())),
            row("writes out of order", tally.out_of_order, good_if_none(tally.out_of_order)),
            row("calls over the limit", tally.over_limit, good_if_none(tally.over_limit)),
            row("repeated, harmless upserts", tally.repeated, Color::Reset),
        ];
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" What the CRM counted ")), area);
    }

    fn draw_waiting(&self, frame: &mut Frame<'_>, area: Rect) {
        let words = |because: &Because| match because {
            Because::Retry => "for a retry",
            Because::RateLimit => "for room",
            Because::Held => "held",
            Because::Order => "behind an earlier event",
        };
        let waits = Because::ALL.iter().zip(self.tally.waiting);
        let mut lines: Vec<Line<'_>> = waits.map(|(it, count)| row(words(it), count, Color::Reset)).collect();
        lines.push(Line::default());
        lines.push(row("calls to the CRM", self.tally.calls, Color::Reset));
        lines.push(row("crashes of the engine", self.tally.crashes, Color::Reset));
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" What waits, and why ")), area);
    }

    fn draw_rate(&self, frame: &mut Frame<'_>, area: Rect) {
        let past: Vec<u64> = self.per_second.iter().copied().collect();
        let now = past.last().copied().unwrap_or(0);
        let title = format!(" Applied per second: {now} ");
        let line = Sparkline::default().data(past).style(Style::new().fg(Color::Green));
        frame.render_widget(line.block(Block::bordered().title(title)), area);
    }
}

/// What is left of each account's limit: the fullest bar is a full bucket.
fn draw_buckets(frame: &mut Frame<'_>, area: Rect, stage: &Stage) {
    let bars = stage.levels().into_iter().map(|(tenant, level)| {
        let color = if level < 20 { Color::Yellow } else { Color::Cyan };
        let label = tenant.rsplit('-').next().unwrap_or_default().to_owned();
        Bar::default().value(level).text_value(format!("{level}%")).label(label).style(Style::new().fg(color))
    });
    let bars: Vec<Bar<'_>> = bars.collect();
    let chart = BarChart::default().data(BarGroup::default().bars(&bars)).max(100).bar_width(5).bar_gap(1);
    let title = " Left of 100 calls per 10 s, by account ";
    frame.render_widget(chart.block(Block::bordered().title(title)), area);
}

/// What is held or paused, as far as there is room; the rest is counted.
fn draw_still(frame: &mut Frame<'_>, area: Rect, stage: &Stage) {
    let room = usize::from(area.height.saturating_sub(2));
    let mut lines = stage.standing_still();
    if room < lines.len() {
        let more = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        lines.push(format!("and {more} more"));
    }
    let lines: Vec<Line<'_>> = lines.into_iter().map(|it| Line::from(format!(" {it}"))).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" What is held or paused ")), area);
}

fn row(words: &str, count: u64, color: Color) -> Line<'static> {
    let count = Span::styled(format!("{count:>9}"), Style::new().fg(color).add_modifier(Modifier::BOLD));
    Line::from(vec![Span::from(format!(" {words:<27}")), count])
}

fn good_if_none(count: u64) -> Color {
    if count == 0 { Color::Green } else { Color::Red }
}

/// The keys, each lit while its fault is on.
fn legend(stage: &Stage) -> Line<'static> {
    let switches = stage.switches();
    let key = |key: &str, words: &str, on: bool| {
        let style = if on { Style::new().fg(Color::Yellow).add_modifier(Modifier::REVERSED) } else { Style::new() };
        Span::styled(format!(" [{key}] {words} "), style)
    };
    Line::from(vec![
        key("d", "HubSpot down", switches.down.load(Ordering::Relaxed)),
        key("f", "flood", switches.flood.load(Ordering::Relaxed)),
        key("l", "answers lost", switches.lost_answers.load(Ordering::Relaxed)),
        key("t", "token refused", switches.refused.load(Ordering::Relaxed)),
        key("p", "pause one", switches.paused.load(Ordering::Relaxed)),
        key("c", "crash", false),
        key("q", "quit", false),
    ])
}
