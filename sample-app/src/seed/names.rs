//! Countries, cities and names.

/// A country with some of its names and cities.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    /// The digits between `+` and the area code.
    pub(super) calling_code: &'static str,
    /// The prefix of the area code within the country.
    pub(super) trunk: &'static str,
    /// With their area codes.
    pub(super) cities: [(&'static str, &'static str); 3],
    pub(super) first: [&'static str; 10],
    pub(super) last: [&'static str; 10],
}

#[rustfmt::skip]
pub(super) const COUNTRIES: [Country; 12] = [
    Country {
        code: "DE", calling_code: "49", trunk: "0",
        cities: [("Berlin", "30"), ("Hamburg", "40"), ("Köln", "221")],
        first: ["Anna", "Lukas", "Sophie", "Jürgen", "Lena", "Felix", "Käthe", "Maximilian", "Ute", "Jonas"],
        last: ["Müller", "Schmidt", "Fischer", "Weber", "Wagner", "Schröder", "Hoffmann", "Groß", "Krüger", "Vogel"],
    },
    Country {
        code: "IT", calling_code: "39", trunk: "",
        cities: [("Roma", "06"), ("Milano", "02"), ("Torino", "011")],
        first: ["Giulia", "Marco", "Chiara", "Luca", "Francesca", "Matteo", "Elena", "Davide", "Sara", "Niccolò"],
        last: ["Rossi", "Russo", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco"],
    },
    Country {
        code: "FR", calling_code: "33", trunk: "0",
        cities: [("Paris", "1"), ("Lyon", "4"), ("Nantes", "2")],
        first: ["Camille", "Hugo", "Chloé", "Louis", "Inès", "Jules", "Zoé", "Benoît", "Margaux", "François"],
        last: ["Martin", "Bernard", "Dubois", "Lefèvre", "Moreau", "Laurent", "Girard", "Mercier", "Fontaine", "Noël"],
    },
    Country {
        code: "ES", calling_code: "34", trunk: "",
        cities: [("Madrid", "91"), ("Barcelona", "93"), ("Sevilla", "95")],
        first: ["Lucía", "Pablo", "Carmen", "Álvaro", "Marta", "Diego", "Sofía", "Javier", "Elena", "Iñigo"],
        last: ["García", "Fernández", "López", "Martínez", "Sánchez", "Pérez", "Gómez", "Ruiz", "Muñoz", "Ortega"],
    },
    Country {
        code: "PL", calling_code: "48", trunk: "",
        cities: [("Warszawa", "22"), ("Kraków", "12"), ("Gdańsk", "58")],
        first: ["Agnieszka", "Piotr", "Katarzyna", "Tomasz", "Zofia", "Michał", "Hanna", "Jakub", "Maja", "Paweł"],
        last: ["Nowak", "Kowalski", "Wiśniewski", "Wójcik", "Kamiński", "Lewandowski", "Zieliński", "Dąbrowski", "Mazur", "Król"],
    },
    Country {
        code: "GB", calling_code: "44", trunk: "0",
        cities: [("London", "20"), ("Leeds", "113"), ("Glasgow", "141")],
        first: ["Olivia", "Harry", "Amelia", "George", "Isla", "Oliver", "Freya", "Jack", "Poppy", "Callum"],
        last: ["Smith", "Jones", "Taylor", "Brown", "Williams", "Evans", "Walker", "Wright", "Hughes", "O'Neill"],
    },
    Country {
        code: "US", calling_code: "1", trunk: "",
        cities: [("New York", "212"), ("Chicago", "312"), ("Seattle", "206")],
        first: ["Emma", "Liam", "Ava", "Noah", "Mia", "Ethan", "Harper", "Mason", "Ella", "Jayden"],
        last: ["Johnson", "Davis", "Miller", "Wilson", "Anderson", "Thomas", "Jackson", "Harris", "Clark", "Nguyen"],
    },
    Country {
        code: "BR", calling_code: "55", trunk: "0",
        cities: [("São Paulo", "11"), ("Rio de Janeiro", "21"), ("Recife", "81")],
        first: ["Ana", "João", "Beatriz", "Gabriel", "Júlia", "Rafael", "Larissa", "Thiago", "Mariana", "Caetano"],
        last: ["Silva", "Santos", "Oliveira", "Souza", "Lima", "Pereira", "Costa", "Almeida", "Araújo", "Conceição"],
    },
    Country {
        code: "TR", calling_code: "90", trunk: "0",
        cities: [("İstanbul", "212"), ("Ankara", "312"), ("İzmir", "232")],
        first: ["Elif", "Mehmet", "Zeynep", "Mustafa", "Ayşe", "Emre", "Defne", "Çağlar", "Gül", "Kerem"],
        last: ["Yılmaz", "Kaya", "Demir", "Şahin", "Çelik", "Yıldız", "Öztürk", "Aydın", "Arslan", "Doğan"],
    },
    Country {
        code: "IN", calling_code: "91", trunk: "0",
        cities: [("Mumbai", "22"), ("Delhi", "11"), ("Chennai", "44")],
        first: ["Aarav", "Diya", "Vivaan", "Ananya", "Rohan", "Isha", "Arjun", "Priya", "Karthik", "Meera"],
        last: ["Sharma", "Patel", "Iyer", "Singh", "Reddy", "Nair", "Gupta", "Mehta", "Chopra", "Das"],
    },
    Country {
        code: "JP", calling_code: "81", trunk: "0",
        cities: [("Tokyo", "3"), ("Osaka", "6"), ("Sapporo", "11")],
        first: ["Haruto", "Yui", "Sota", "Hina", "Ren", "Aoi", "Yuki", "Sakura", "Kaito", "Emi"],
        last: ["Sato", "Suzuki", "Takahashi", "Tanaka", "Watanabe", "Ito", "Yamamoto", "Nakamura", "Kobayashi", "Kato"],
    },
    Country {
        code: "NG", calling_code: "234", trunk: "0",
        cities: [("Lagos", "1"), ("Abuja", "9"), ("Ibadan", "2")],
        first: ["Chinedu", "Amaka", "Tunde", "Ngozi", "Emeka", "Folake", "Ibrahim", "Zainab", "Segun", "Ifeoma"],
        last: ["Okafor", "Adeyemi", "Balogun", "Eze", "Okonkwo", "Bello", "Abiola", "Nwosu", "Ogunleye", "Musa"],
    },
];

/// Converts a name for an email address, to ASCII in lower case.
pub(super) fn plain(name: &str) -> String {
    let folded = |letter: char| match letter {
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'á' | 'ã' | 'ą' => "a",
        'ç' | 'ć' => "c",
        'é' | 'è' | 'ë' | 'ę' => "e",
        'ğ' => "g",
        'í' | 'î' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' => "n",
        'ó' | 'ò' | 'õ' => "o",
        'ś' | 'ş' => "s",
        'ú' => "u",
        _ => "",
    };
    let mut plain = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() { plain.push(letter) } else { plain.push_str(folded(letter)) }
    }
    plain
}
