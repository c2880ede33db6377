package main

type configCommand struct {
	Check configCheck `cmd:"" help:"Print the settings with their sources, and everything that is wrong with them."`
}

type configCheck struct{ settingsGiven }

// checkedSettings is what --json prints.
type checkedSettings struct {
	Settings []checkedSetting `json:"settings"`
	Problems []checkedProblem `json:"problems"`
}

type checkedSetting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

type checkedProblem struct {
	Setting string `json:"setting"`
	Source  string `json:"source"`
	Wrong   string `json:"wrong"`
	Do      string `json:"do"`
}

// Run starts nothing and changes nothing.
func (*configCheck) Run(i *invocation) error {
	c, problems := i.settings()
	answer := checkedSettings{Problems: []checkedProblem{}}
	rows := [][]string{}
	for _, e := range c.Effective() {
		answer.Settings = append(answer.Settings, checkedSetting(e))
		shown := e.Value
		if shown == "" {
			shown = "-"
		}
		rows = append(rows, []string{e.Name, shown, e.Source})
	}
	for _, p := range problems {
		answer.Problems = append(answer.Problems, checkedProblem(p))
	}
	if i.json {
		if err := i.printJSON(answer); err != nil {
			return err
		}
	} else if err := aligned(i.out, rows); err != nil {
		return err
	}
	if len(problems) == 0 {
		return i.done("\nNothing is wrong.")
	}
	i.printProblems(problems)
	return usageError{errSaid}
}
