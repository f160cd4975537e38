# The window's frame, Home, Training, Network, Help.
app-name = Covey
unknown = unknown
side-version = Version { $version }

screen-home = Home
screen-training = Training
screen-earnings = Earnings
screen-network = Network
screen-runs = Runs
screen-wallet = Wallet
screen-settings = Settings
screen-help = Help

control-start = Start
control-start-again = Start again
control-start-now = Start again now
control-stop = Stop
control-stop-now = Stop now
control-stopping = Stopping …
control-finish-round = Finish this round, then stop
control-finish-round-tip = Nothing is lost: the running round is sent and judged first
control-resume = Resume
control-pause = Pause
control-pause-menu = How long to pause
pause-for-quarter = 15 minutes
pause-for-hour = 1 hour
pause-for-four-hours = 4 hours
pause-for-tomorrow = Until tomorrow
pause-for-battery = While on battery
pause-for-resumed = Until I resume
stop-title = Stop training?
stop-title-rehearsal = Stop the rehearsal?
question-cancel = Cancel

problem-dismiss = Dismiss
problem-retry = Try again
problem-open = Open the page
problem-copy-command = Copy the command
problems-more = { $more } more
toast-dismiss = Dismiss: { $text }

chart-empty = No points yet
chart-now = now
chart-before = -{ $before }
chart-round = round { $round }
chart-said = { $name }: newest { $last }, between { $low } and { $high }
