package store

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// onPostgres says which database the tests of this package run on. Each is run on
// SQLite, and again on PostgreSQL by a second process of the same tests.
var onPostgres = os.Getenv(onPostgresVariable) != ""

const onPostgresVariable = "MINTMARK_STORE_TEST_ON_POSTGRESQL"

// ofOne are the tests of what only one of them has: SQLite a file and pragmas,
// PostgreSQL other nodes. They run in the first process.
const ofOne = "^(TestANewDatabaseIsForItsOwnerAlone|TestACommitWaitsForTheDisk|TestABackupIsOfOneMoment|TestWhatIsNoDatabaseOfOursHasNoInventory|" +
	"TestWhatAKilledCopyLeftIsTakenAway|TestAFileThatIsNoDatabaseIsLeftAlone|TestAFullDiskWritesNothingAndHeals|" +
	"TestAReadOnlyDatabaseIsReadAndHeals|TestReadersCannotWrite|TestStatementsUseIndexes|TestOldSQLiteIsRefused|.*OnPostgreSQL)$"

func TestTheContractHoldsOnPostgreSQL(t *testing.T) {
	if onPostgres {
		t.Fatal("this is the second process")
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.skip="+ofOne)
	again.Env = append(os.Environ(), onPostgresVariable+"=yes")
	said, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "PASS") {
		t.Errorf("on PostgreSQL: %v\n%s", err, said)
	}
}
